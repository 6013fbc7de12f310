-- Takes from an allowance, item by item, as adapters/memory/quota.go does.
--
-- KEYS[1]  a hash: m messages and s segments that are used, b when the count began
-- ARGV[1]  "ask": nothing is taken where nothing is counted yet; "begin": the count
--          then begins with ARGV[2] and ARGV[3]; "return": ARGV[2] and ARGV[3] are given
--          back; "add": they are added, unless the count began after ARGV[7]
-- ARGV     2 and 3 as said; 4 and 5 the limits, 0 is none; 6 milliseconds to keep the
--          count; 7 microseconds since 1970; then messages and segments of each item
--
-- Returns {1, 1 or 0 for each item}, or {0} where nothing is counted yet.

local key, how = KEYS[1], ARGV[1]
local m, s = tonumber(redis.call('HGET', key, 'm')), tonumber(redis.call('HGET', key, 's'))
if not m or not s then
  if how ~= 'begin' then
    return {0}
  end
  m, s = tonumber(ARGV[2]), tonumber(ARGV[3])
  redis.call('HSET', key, 'b', ARGV[7])
end
local answer = {1}
if how == 'return' then
  m, s = math.max(0, m - tonumber(ARGV[2])), math.max(0, s - tonumber(ARGV[3]))
elseif how == 'add' then
  if tonumber(redis.call('HGET', key, 'b') or '0') <= tonumber(ARGV[7]) then
    m, s = m + tonumber(ARGV[2]), s + tonumber(ARGV[3])
  end
else
  local most_m, most_s = tonumber(ARGV[4]), tonumber(ARGV[5])
  for i = 8, #ARGV, 2 do
    local next_m, next_s = m + tonumber(ARGV[i]), s + tonumber(ARGV[i + 1])
    local fits = (most_m == 0 or next_m <= most_m) and (most_s == 0 or next_s <= most_s)
    if fits then
      m, s = next_m, next_s
    end
    answer[#answer + 1] = fits and 1 or 0
  end
end
redis.call('HSET', key, 'm', string.format('%.0f', m), 's', string.format('%.0f', s))
redis.call('PEXPIRE', key, ARGV[6])
return answer
