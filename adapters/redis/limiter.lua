-- Takes one request from every limit, or from none: GCRA in whole microseconds,
-- as adapters/memory/limiter.go has it. Doubles hold them exactly until 2255.
--
-- KEYS     one per limit: its theoretical arrival time
-- ARGV[1]  the time in microseconds, for tests; empty: the server's clock
-- ARGV     then interval and window of each limit, in microseconds
--
-- Returns {allowed, tightest (from 0), remaining, reset after, retry after}.

local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
else
  now = tonumber(ARGV[1])
end

-- A key whose time has come is as good as none. Under a test's clock the server's
-- expiry would come at the wrong time.
local function keep(key, tat)
  local ttl = ARGV[1] == '' and math.max(1, math.ceil((tat - now) / 1000)) or 600000
  redis.call('SET', key, string.format('%.0f', tat), 'PX', ttl)
end

local coming = {} -- the arrival times if all are allowed
local passed = {1, 0, 0, 0, 0}
local refused = {0, 0, 0, 0, 0}
for i, key in ipairs(KEYS) do
  local interval, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local stored = coming[key]
  if not stored then
    stored = tonumber(redis.call('GET', key) or '0')
    if stored > now + window then -- the clock was set back, or the limit made smaller
      stored = now + window
      keep(key, stored) -- even if refused, or it would be refused for ever
    end
  end
  local tat = math.max(now, math.min(stored, now + window))
  coming[key] = tat + interval
  local wait = coming[key] - window - now
  if wait > refused[5] then
    refused = {0, i - 1, 0, tat - now, wait}
  end
  local left = math.floor((window - (coming[key] - now)) / interval)
  if i == 1 or left < passed[3] then
    passed = {1, i - 1, left, coming[key] - now, 0}
  end
end
if refused[5] > 0 then
  return refused
end
for key, tat in pairs(coming) do
  keep(key, tat)
end
return passed
