-- Puts sightings together until they make samples, as adapters/memory/sightings.go does.
--
-- KEYS   a hash for each block: numbers, and the messages to them
-- ARGV   sightings in a sample, milliseconds in which they have to come; then for each
--        key how many are added, and number and message of each
--
-- Returns for each key a list: number, message, number … where the sample is complete
-- and begins anew, else nothing.

local size, window, at = tonumber(ARGV[1]), ARGV[2], 3
local answer = {}
for i, key in ipairs(KEYS) do
  local n, kept = tonumber(ARGV[at]), redis.call('HLEN', key)
  local began = kept == 0
  for add = 1, n do
    if kept < size then
      kept = kept + redis.call('HSETNX', key, ARGV[at + 2 * add - 1], ARGV[at + 2 * add])
    end
  end
  at = at + 1 + 2 * n
  answer[i] = {}
  if kept >= size then
    answer[i] = redis.call('HGETALL', key)
    redis.call('DEL', key)
  elseif began and kept > 0 then
    redis.call('PEXPIRE', key, window)
  end
end
return answer
