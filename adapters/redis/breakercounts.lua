-- Counts calls in a sliding window and returns its total, as
-- domain/breaker/window.go has it.
--
-- KEYS[1]  a hash: e is the epoch, r the run of failures, g<step> and b<step> the
--          good and bad calls of a step
-- ARGV     epoch, width of a step in microseconds, steps in a window, good, bad,
--          run, and the time in microseconds, for tests; empty: the server's clock
--
-- Returns {good, bad, run}.

local epoch, width, steps = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local good, bad, run = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now = tonumber(ARGV[7])
if ARGV[7] == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local counted = tonumber(redis.call('HGET', KEYS[1], 'e') or '-1')
if epoch < counted then
  return {0, 0, 0}
elseif epoch > counted then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'e', epoch)
end

local step = math.floor(now / width)
redis.call('HINCRBY', KEYS[1], 'g' .. string.format('%.0f', step), good)
redis.call('HINCRBY', KEYS[1], 'b' .. string.format('%.0f', step), bad)
if good == 0 then
  run = run + tonumber(redis.call('HGET', KEYS[1], 'r') or '0')
end
redis.call('HSET', KEYS[1], 'r', run)
redis.call('PEXPIRE', KEYS[1], 86400000)

local total = {g = 0, b = 0}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local kind, of = string.sub(all[i], 1, 1), tonumber(string.sub(all[i], 2))
  if of and of <= step - steps then
    redis.call('HDEL', KEYS[1], all[i])
  elseif of and of <= step then
    total[kind] = total[kind] + tonumber(all[i + 1])
  end
end
return {total.g, total.b, run}
