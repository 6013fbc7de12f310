package ports

import (
	"encoding"

	"github.com/pro-sms/prosms/events"
)

// scanFrame reads a frame as the stores write it: these fields in this order and
// without white space. Every event is read by every consumer, and this takes a
// fifth of the time that encoding/json takes (BenchmarkDecodeEvents). Of all other
// JSON it says no, and encoding/json has to read that.
func scanFrame(payload []byte) (f sealedFrame, ok bool) {
	s := scan{rest: payload}
	s.literal(`{"first":`)
	f.First = s.integer()
	s.literal(`,"last":`)
	f.Last = s.integer()
	s.literal(`,"events":[`)
	for first := true; !s.failed && !s.next(`]}`); first = false {
		if !first {
			s.literal(`,`)
		}
		f.Events = append(f.Events, s.envelope())
	}
	return f, !s.failed && len(s.rest) == 0
}

// scan is what is left to read. Once something else stood there than was asked for
// it has failed, and reads nothing more.
type scan struct {
	rest   []byte
	failed bool
}

func (s *scan) envelope() (e events.Envelope) {
	s.literal(`{"position":`)
	e.Position = s.integer()
	s.literal(`,"stream_id":`)
	e.StreamID = string(s.text())
	s.literal(`,"version":`)
	e.Version = int(s.integer())
	s.literal(`,"type":`)
	e.Type = string(s.text())
	s.literal(`,"schema":`)
	e.Schema = int(s.integer())
	s.literal(`,"data":`)
	e.Data = s.object()
	s.literal(`,"meta":`)
	e.Meta = s.object()
	s.literal(`,"recorded_at":`)
	s.unmarshal(&e.RecordedAt)
	s.literal(`,"digest":`)
	s.unmarshal(&e.Digest)
	s.literal(`}`)
	return e
}

// next reads literal if it comes next.
func (s *scan) next(literal string) bool {
	if s.failed || len(s.rest) < len(literal) || string(s.rest[:len(literal)]) != literal {
		return false
	}
	s.rest = s.rest[len(literal):]
	return true
}

func (s *scan) literal(literal string) {
	if !s.next(literal) {
		s.failed = true
	}
}

// integer reads a number that is neither negative nor of more than 18 digits.
func (s *scan) integer() (v int64) {
	n := 0
	for ; n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9'; n++ {
		v = 10*v + int64(s.rest[n]-'0')
	}
	if n == 0 || n > 18 || n > 1 && s.rest[0] == '0' {
		s.failed = true
	}
	s.take(n)
	return v
}

// text reads a string of printable ASCII without escapes.
func (s *scan) text() []byte {
	s.literal(`"`)
	n := 0
	for n < len(s.rest) && s.rest[n] != '"' {
		if c := s.rest[n]; c < ' ' || c > '~' || c == '\\' {
			s.failed = true
		}
		n++
	}
	text := s.take(n)
	s.literal(`"`)
	return text
}

func (s *scan) unmarshal(to encoding.TextUnmarshaler) {
	if text := s.text(); s.failed || to.UnmarshalText(text) != nil {
		s.failed = true
	}
}

// object reads an object without looking at what is in it: that is the decoder's.
func (s *scan) object() []byte {
	if s.failed || len(s.rest) == 0 || s.rest[0] != '{' {
		s.failed = true
		return nil
	}
	depth := 0
	for i := 0; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return s.take(i + 1)
			}
		case '"':
			for i++; i < len(s.rest) && s.rest[i] != '"'; i++ {
				if s.rest[i] == '\\' {
					i++
				}
			}
		}
	}
	s.failed = true
	return nil
}

// take reads n bytes, which are there.
func (s *scan) take(n int) []byte {
	taken := s.rest[:n:n]
	s.rest = s.rest[n:]
	return taken
}
