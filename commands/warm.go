package commands

import (
	"context"
	"strconv"
	"strings"
)

// Warm reads as many people's keys as are held in memory, so that after a start not
// every text to somebody known costs a look-up of its own. It may be stopped, and
// used meanwhile; without it everything works the same.
func (s *Sealer) Warm(ctx context.Context) error {
	s.init()
	for after, left := "", orDefault(s.Cached, 20_000); left > 0; left -= 1000 {
		names, err := s.Keyring.Names(ctx, subjectPrefix, after, min(left, 1000))
		if err != nil || len(names) == 0 {
			return err
		}
		after = names[len(names)-1]
		keys, _, err := s.keys.read(ctx, names, false)
		if err != nil {
			return err
		}
		for name, key := range keys {
			subject, text, _ := strings.Cut(strings.TrimPrefix(name, subjectPrefix), "/")
			generation, err := strconv.Atoi(text)
			if err != nil {
				continue
			}
			s.keys.sealing.putUnless(subject, subjectKey{id: subject, generation: generation, key: key},
				func(there subjectKey) bool { return there.generation >= generation })
		}
	}
	return nil
}
