// Scripts about the clock and the stream of invalidations; how scripts are sent is said in scripts.ts.
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
export const SLOT_AT = `
local function slotAt(hash, slots)
  return 56 + 8 * (hash == 0 and 0 or 1 + hash % (slots - 1))
end
`;

/**
 * Whether the number that the caller has seen was given to another invalidation, as far as clock and stream still say whose
 * it was. A message is what ANNOUNCE adds: its tip is the sixth of its fields and values.
 */
const RENUMBERED = `
local function renumbered(head, now, seen, tip)
  local found = now == seen and struct.unpack('<d', head, 49)
  if not found then
    local id = string.format('%.0f-0', seen)
    local message = redis.pcall('XREVRANGE', KEYS[2], id, id)[1]
    found = message and message[2] and message[2][5] == 't' and tonumber(message[2][6])
  end
  return found and found ~= tip
end
`;

/**
 * KEYS: clock, stream. ARGV: an epoch in case one has to be made; the codec's id; the number of slots; epoch and clock that
 * the caller has seen, or '' and 0; '1' if what the caller has seen is not what happened, as far as Redis knows; the tip of what
 * the caller has seen, or ''. Gives the whole clock, as it was before the codec's id was replaced. A stream that has gone on
 * beyond the clock holds what is not ours: nobody could follow it, so it goes.
 */
export const JOIN = `${MAKE}${RENUMBERED}
redis.call('PERSIST', KEYS[1])
local head = header()
local seen = tonumber(ARGV[5])
local tip = tonumber(ARGV[7])
local now = head and struct.unpack('<d', head, 41)
local known = head and string.sub(head, 9, 16) == ARGV[4]
if head and (now < seen or (known and (ARGV[6] == '1' or (tip and renumbered(head, now, seen, tip))))) then
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
 * kept; the message; the hashes of what is invalidated, 4 bytes each. Gives epoch, clock and tip.
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
return epoch .. packed .. struct.pack('<d', tip)
`;
