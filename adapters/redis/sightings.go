package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/ports"
)

//go:embed sightings.lua
var sightingsScript string

// sightingsTag is before a tenant and a prefix. Neither of them has a "/".
const sightingsTag = "prosms:sightings:"

// Sightings is a ports.Sightings that all instances on one Redis share. Each Add is one
// round trip. Where Redis does not answer in time, the error wraps ports.ErrUnavailable.
type Sightings struct {
	client *Client
	script *goredis.Script
}

// NewSightings returns sightings on c, which stays the caller's to close.
func NewSightings(c *Client) *Sightings {
	return &Sightings{client: c, script: goredis.NewScript(sightingsScript)}
}

// Add implements ports.Sightings.
func (s *Sightings) Add(ctx context.Context, size ports.SampleSize, seen map[fuse.Block][]ports.Sighting) (map[fuse.Block][]ports.Sighting, error) {
	if len(seen) == 0 {
		return nil, nil
	}
	blocks, keys := make([]fuse.Block, 0, len(seen)), make([]string, 0, len(seen))
	args := []any{size.Texts, size.Window.Milliseconds()}
	for block, sightings := range seen {
		blocks, keys = append(blocks, block), append(keys, sightingsTag+block.Tenant+"/"+block.Prefix)
		args = append(args, len(sightings))
		for _, one := range sightings {
			args = append(args, strconv.FormatUint(one.Number, 16), one.MessageID)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.client.timeout)
	defer cancel()
	answer, err := s.script.Run(ctx, s.client.redis, keys, args...).Slice()
	if err != nil {
		return nil, fmt.Errorf("sharing sightings: %w: %w", ports.ErrUnavailable, err)
	}
	complete := map[fuse.Block][]ports.Sighting{}
	for i, list := range answer {
		sample, err := readSample(list)
		if err != nil || i >= len(blocks) {
			return nil, fmt.Errorf("sharing sightings: unreadable answer: %w", ports.ErrUnavailable)
		}
		if len(sample) > 0 {
			complete[blocks[i]] = sample
		}
	}
	return complete, nil
}

// readSample reads numbers and messages that take turns.
func readSample(list any) (sample []ports.Sighting, err error) {
	values, _ := list.([]any)
	for i := 0; i+1 < len(values); i += 2 {
		number, _ := values[i].(string)
		message, _ := values[i+1].(string)
		one := ports.Sighting{MessageID: message}
		if one.Number, err = strconv.ParseUint(number, 16, 64); err != nil {
			return nil, err
		}
		sample = append(sample, one)
	}
	return sample, nil
}
