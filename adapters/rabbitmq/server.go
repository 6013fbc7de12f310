package rabbitmq

import "context"

// Server is what a broker says of itself.
type Server struct{ Product, Version string }

// Server returns what the broker said when it was connected to. It waits for a
// connection until ctx ends.
func (b *Bus) Server(ctx context.Context) (Server, error) {
	s, err := b.consuming.session(ctx)
	if err != nil {
		return Server{}, err
	}
	said := func(name string) string {
		word, _ := s.conn.Properties[name].(string)
		return word
	}
	return Server{said("product"), said("version")}, nil
}
