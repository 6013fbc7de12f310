package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Lists that have cursors. A cursor of one list is none of the other.
const (
	messageList = 'm'
	optOutList  = 'o'
	inboundList = 'i'
	keyList     = 'k'

	deliveryList = 'w'

	deadLetterList = 'd'
	replayList     = 'r'
	replayItemList = 'e' // the time means nothing
)

// cursorHeader is a list, a time in microseconds and a checksum over all the rest.
const cursorHeader = 1 + 8 + 4

// maxCursorTime is the year 10000, which every store can still compare with.
const maxCursorTime = 253402300800 * 1e6

// encodeCursor returns a place in a list, for the client to hand back; null after
// the last page. It holds nothing secret and grants nothing: the tenant always
// comes from the key. The checksum only tells what is no cursor from what is.
func encodeCursor(list byte, c *ports.Cursor) *string {
	if c == nil {
		return nil
	}
	at, _ := c.Key.(time.Time)
	b := append(make([]byte, 0, cursorHeader+len(c.ID)), list)
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	b = binary.BigEndian.AppendUint32(b, cursorSum(b, c.ID))
	text := base64.RawURLEncoding.EncodeToString(append(b, c.ID...))
	return &text
}

func cursorSum(head []byte, id string) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, []byte(id))
}

// cursor returns the place where a page starts; nil for the first.
func (q *query) cursor(list byte) *ports.Cursor {
	if !q.has("cursor") {
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.values.Get("cursor"))
	if err == nil && len(b) > cursorHeader && len(b) < 256 && b[0] == list {
		at, sum, id := binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint32(b[9:]), string(b[cursorHeader:])
		if cursorSum(b[:9], id) == sum && at < maxCursorTime && wellFormed(id) {
			return &ports.Cursor{Key: time.UnixMicro(int64(at)).UTC(), ID: id}
		}
	}
	q.refuse("cursor", "invalid_cursor", "not a cursor of this list; start again without one")
	return nil
}
