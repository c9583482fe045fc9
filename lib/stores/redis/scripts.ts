// Scripts about entries and leases.
//
// Each is sent whole, as EVAL, and not by its hash: Redis remembers it by the hash anyway, and there is no case in which it
// has forgotten a script (restart, failover, another node of a cluster) and a command has to be sent again out of its turn.
// Only commands of Redis 6.2 and older are used.

import { SLOT_AT } from './clock-scripts.js';

/**
 * KEYS: keys. ARGV: until when by the server's clock, in milliseconds; value and milliseconds for each key. Gives 1 if it was in
 * time. What its callers have given up may lie in some buffer for long: carried out then, it would undo what came after it.
 */
export const SET = `
local t = redis.call('TIME')
if t[1] * 1000 + t[2] / 1000 > tonumber(ARGV[1]) then return 0 end
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[2 * i], 'PX', ARGV[2 * i + 1]) end
return 1
`;

/** KEYS: key. ARGV: lease, milliseconds. Gives 1, or what is there. A key of another type counts as nothing. */
export const CLAIM = `
local found = redis.pcall('GET', KEYS[1])
if type(found) == 'string' then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** Whether the bytes end with this lease and the time until which it counts. */
const LEASED = `
local function leased(bytes, lease)
  return string.sub(bytes, -#lease - 8, -9) == lease
end
`;

/** A lease must not go because the value before it expires. */
const OUTLIVE = `
local function outlive(ttl)
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
end
`;

/**
 * KEYS: key. ARGV: how the value begins, its length, lease, now and until when the lease counts, in milliseconds, packed; how many
 * milliseconds that is. Gives 1, or the lease that is there already, or 0 if the value is another one.
 */
export const RECLAIM = `${OUTLIVE}
local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if head ~= ARGV[1] then return 0 end
local behind = redis.call('GETRANGE', KEYS[1], ARGV[2], -1)
if #behind ~= 0 and #behind ~= #ARGV[3] + 8 then return 0 end
if #behind ~= 0 and struct.unpack('<d', behind, #behind - 7) > struct.unpack('<d', ARGV[4]) then
  return string.sub(behind, 1, -9)
end
redis.call('SETRANGE', KEYS[1], ARGV[2], ARGV[3] .. ARGV[5])
outlive(ARGV[6])
return 1
`;

/**
 * KEYS: key, and the clock where it is on the same server. ARGV: lease, value, milliseconds; epoch, clock as of which the
 * value was loaded, its hashes. Gives 1 if the value is stored; otherwise the lease is gone. It may be there already: a cluster client asks again when
 * it was turned away.
 */
export const FILL = `${SLOT_AT}${LEASED}
local function refuse()
  redis.call('UNLINK', KEYS[1])
  return 0
end
local found = redis.pcall('GET', KEYS[1])
if found == ARGV[2] then return 1 end
if type(found) ~= 'string' or (found ~= ARGV[1] and not leased(found, ARGV[1])) then return 0 end
if KEYS[2] then
  local head = redis.pcall('GETRANGE', KEYS[2], 0, 55)
  if type(head) ~= 'string' or string.sub(head, 9, 16) ~= ARGV[4] then return refuse() end
  local slots = struct.unpack('<d', head, 33)
  local asOf = struct.unpack('<d', ARGV[5])
  local clock = struct.unpack('<d', head, 41)
  if asOf > clock then return refuse() end
  if asOf < clock then
    for at = 1, #ARGV[6], 4 do
      local offset = slotAt(struct.unpack('<I4', ARGV[6], at), slots)
      local slot = redis.call('GETRANGE', KEYS[2], offset, offset + 7)
      if #slot == 8 and struct.unpack('<d', slot) > asOf then return refuse() end
    end
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;

/** KEYS: key. ARGV: lease, milliseconds, until when it counts, packed. Gives 1 if the lease was still there. */
export const RENEW = `${LEASED}${OUTLIVE}
local tail = redis.pcall('GETRANGE', KEYS[1], -#ARGV[1] - 8, -1)
if tail == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if type(tail) ~= 'string' or not leased(tail, ARGV[1]) then return 0 end
redis.call('SETRANGE', KEYS[1], redis.call('STRLEN', KEYS[1]) - 8, ARGV[3])
outlive(ARGV[2])
return 1
`;

/** KEYS: key. ARGV: lease. Gives 1 if it was still there. */
export const RELEASE = `${LEASED}
local tail = redis.pcall('GETRANGE', KEYS[1], -#ARGV[1] - 8, -1)
if tail == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
if type(tail) ~= 'string' or not leased(tail, ARGV[1]) then return 0 end
redis.call('SETRANGE', KEYS[1], redis.call('STRLEN', KEYS[1]) - 8, struct.pack('<d', 0))
return 1
`;

/** KEYS: key. ARGV: how what is to be removed begins. Gives 1 if it was there. */
export const DISCARD = `
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0
`;

/** KEYS: keys. ARGV: how a value begins, where it has its number, the number below which it goes. Gives how many went. */
export const SWEEP = `
local removed = 0
local before = struct.unpack('<d', ARGV[3])
for _, key in ipairs(KEYS) do
  local head = redis.pcall('GETRANGE', key, 0, ARGV[2] + 7)
  if type(head) == 'string' and #head == ARGV[2] + 8 and string.sub(head, 1, #ARGV[1]) == ARGV[1]
    and struct.unpack('<d', head, ARGV[2] + 1) < before then
    removed = removed + redis.call('UNLINK', key)
  end
end
return removed
`;

/** KEYS: keys. ARGV: how leases begin. Gives a digit for each key: 1 if a value was there. */
export const REMOVE = `
local found = {}
for i, key in ipairs(KEYS) do
  local head = redis.pcall('GETRANGE', key, 0, #ARGV[1] - 1)
  local removed = redis.call('UNLINK', key) == 1 and head ~= ARGV[1]
  found[i] = removed and '1' or '0'
end
return table.concat(found)
`;
