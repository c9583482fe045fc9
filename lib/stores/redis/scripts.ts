// Each is sent whole, as EVAL, and not by its hash: Redis remembers it by the hash anyway, and there is no case in which it
// has forgotten a script (restart, failover, another node of a cluster) and a command has to be sent again out of its turn.
// Only commands of Redis 6.2 and older are used.
//
// Where PERSIST comes first, it is because a script that has written already may go on when Redis is out of memory: an
// invalidation must get through then, and whoever has to start anew has to learn where the clock stands.

/**
 * Where the clock is kept: a string, so that it is read and taken over as one block of memory.
 *
 * | bytes | meaning |
 * |---|---|
 * | 0-7 | `tcclock1`, the layout |
 * | 8-15 | epoch |
 * | 16-31 | id of the codec of whoever joined last, ASCII, filled up with spaces |
 * | 32-39 | number of slots |
 * | 40-47 | clock |
 * | 48-55 | tip: when the clock last moved, microseconds since 1970 by the server's clock |
 * | from 56 | the slots |
 *
 * All numbers are float64, little endian. A slot that lies behind the end is 0.
 */
export const CLOCK_LAYOUT = {
  magic: 'tcclock1',
  epoch: 8,
  codec: 16,
  slots: 32,
  clock: 40,
  tip: 48,
  header: 56,
} as const;

/**
 * `make`: a clock with a new epoch. It begins at the server's time in milliseconds, so that messages of the new epoch come
 * after those of the old one, and whoever waits for the next message is woken by it; `least` is for servers whose time
 * went back. The old stream goes, its numbers mean nothing any more.
 */
const MAKE = `
local function make(epoch, codec, slots, least)
  local t = redis.call('TIME')
  local clock = math.max(math.floor(tonumber(t[1]) * 1000 + tonumber(t[2]) / 1000), least)
  redis.call('SET', KEYS[1], 'tcclock1' .. epoch .. codec .. slots .. struct.pack('<dd', clock, 0))
  redis.call('UNLINK', KEYS[2])
end
local function header()
  local head = redis.pcall('GETRANGE', KEYS[1], 0, 55)
  if type(head) ~= 'string' or #head ~= 56 or string.sub(head, 1, 8) ~= 'tcclock1' then return end
  local slots, clock = struct.unpack('<dd', head, 33)
  if slots >= 2 and slots <= 16777216 and slots % 1 == 0 and clock >= 0 and clock < 2^52 and clock % 1 == 0 then
    return head
  end
end
`;

/** Where the slot of a hash is: `slotOf` of the coherence layer. */
const SLOT_AT = `
local function slotAt(hash, slots)
  return 56 + 8 * (hash == 0 and 0 or 1 + hash % (slots - 1))
end
`;

/**
 * KEYS: clock, stream. ARGV: an epoch in case one has to be made; the codec's id; the number of slots; epoch and clock that
 * the caller has seen, or '' and 0; '1' if what the caller has seen is not what happened, as far as Redis knows. Gives the
 * whole clock, as it was before the codec's id was replaced. A stream that has gone on beyond the clock holds what is not
 * ours: nobody could follow it, so it goes.
 */
export const JOIN = `${MAKE}
redis.call('PERSIST', KEYS[1])
local head = header()
local seen = tonumber(ARGV[5])
local now = head and struct.unpack('<d', head, 41)
if head and (now < seen or (ARGV[6] == '1' and string.sub(head, 9, 16) == ARGV[4])) then
  make(ARGV[1], ARGV[2], ARGV[3], math.max(now, seen) + 1)
elseif not head then
  make(ARGV[1], ARGV[2], ARGV[3], 0)
end
local clock = redis.call('GET', KEYS[1])
redis.call('SETRANGE', KEYS[1], 16, ARGV[2])
local last = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local id = last[1] and last[1][1] or '0-0'
if last.err and string.find(last.err, 'WRONGTYPE') then id = '' end
local at = tonumber(string.match(id, '^(%d+)-0$') or '')
if not at or at > struct.unpack('<d', clock, 41) then redis.call('UNLINK', KEYS[2]) end
return clock
`;

/**
 * KEYS: clock, stream. ARGV: an epoch in case one has to be made; the codec's id; the number of slots; the most messages
 * kept; the message; the hashes of what is invalidated, 4 bytes each. Gives epoch and clock.
 */
export const ANNOUNCE = `${MAKE}${SLOT_AT}
redis.call('PERSIST', KEYS[1])
local head = header()
if not head then
  make(ARGV[1], ARGV[2], ARGV[3], 0)
  head = header()
end
local epoch = string.sub(head, 9, 16)
local slots = struct.unpack('<d', head, 33)
local clock = struct.unpack('<d', head, 41) + 1
local packed = struct.pack('<d', clock)
local before = struct.unpack('<d', head, 49)
local t = redis.call('TIME')
local tip = t[1] * 1000000 + t[2]
redis.call('SETRANGE', KEYS[1], 40, packed .. struct.pack('<d', tip))
for at = 1, #ARGV[6], 4 do
  redis.call('SETRANGE', KEYS[1], slotAt(struct.unpack('<I4', ARGV[6], at), slots), packed)
end
local function add()
  return redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], string.format('%.0f-0', clock),
    'e', epoch, 'b', string.format('%.0f', before), 't', string.format('%.0f', tip), 'm', ARGV[5])
end
local added = add()
if type(added) == 'table' and added.err then
  redis.call('UNLINK', KEYS[2])
  add()
end
return epoch .. packed
`;

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

/**
 * KEYS: key, and the clock where it is on the same server. ARGV: lease, value, milliseconds; epoch, clock as of which the
 * value was loaded, its hashes. Gives 1 if the value is stored; otherwise the lease is gone. It may be there already: a cluster client asks again when
 * it was turned away.
 */
export const FILL = `${SLOT_AT}
local function refuse()
  redis.call('UNLINK', KEYS[1])
  return 0
end
local found = redis.pcall('GET', KEYS[1])
if found == ARGV[2] then return 1 end
if found ~= ARGV[1] then return 0 end
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

/** KEYS: key. ARGV: lease, milliseconds. Gives 1 if the lease was still there. */
export const RENEW = `
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
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
