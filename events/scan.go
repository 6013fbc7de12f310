package events

import "encoding"

// Scan reads JSON of one known form, as this program itself writes it: literal by
// literal and without white space, many times faster than encoding/json reads any
// form. Once something else stands there than was asked for it has failed, and reads
// nothing more; then encoding/json has to read the whole. What it has read shares
// the memory of what it reads.
type Scan struct {
	rest   []byte
	failed bool
}

// NewScan returns a Scan of all of data.
func NewScan(data []byte) Scan { return Scan{rest: data} }

// Failed reports whether something else came than was asked for.
func (s *Scan) Failed() bool { return s.failed }

// Done reports whether everything was read, and nothing else stood there.
func (s *Scan) Done() bool { return !s.failed && len(s.rest) == 0 }

// Next reads literal if it comes next.
func (s *Scan) Next(literal string) bool {
	if s.failed || len(s.rest) < len(literal) || string(s.rest[:len(literal)]) != literal {
		return false
	}
	s.rest = s.rest[len(literal):]
	return true
}

// Literal reads literal, which has to come next.
func (s *Scan) Literal(literal string) {
	if !s.Next(literal) {
		s.failed = true
	}
}

// Integer reads a number that is neither negative nor of more than 18 digits.
func (s *Scan) Integer() (v int64) {
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

// Text reads a string of printable ASCII without escapes.
func (s *Scan) Text() []byte {
	s.Literal(`"`)
	n := 0
	for n < len(s.rest) && s.rest[n] != '"' {
		if c := s.rest[n]; c < ' ' || c > '~' || c == '\\' {
			s.failed = true
		}
		n++
	}
	text := s.take(n)
	s.Literal(`"`)
	return text
}

// Unmarshal reads a Text into to.
func (s *Scan) Unmarshal(to encoding.TextUnmarshaler) {
	if text := s.Text(); s.failed || to.UnmarshalText(text) != nil {
		s.failed = true
	}
}

// Object reads an object without looking at what is in it.
func (s *Scan) Object() []byte {
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

// Rest reads all that is left.
func (s *Scan) Rest() []byte { return s.take(len(s.rest)) }

// take reads n bytes, which are there.
func (s *Scan) take(n int) []byte {
	taken := s.rest[:n:n]
	s.rest = s.rest[n:]
	return taken
}
