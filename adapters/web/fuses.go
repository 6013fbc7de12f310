package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
)

// fuses returns what is paused, reported or lifted, by tenant and prefix.
func (u *ui) fuses(ctx context.Context) ([]fuse.Standing, error) {
	standing, err := u.Commands.Fuses(ctx)
	slices.SortFunc(standing, func(a, b fuse.Standing) int {
		return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Prefix, b.Prefix))
	})
	return standing, err
}

// liftFuse lets texts go to a prefix again.
func (u *ui) liftFuse(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	during, err := time.ParseDuration(r.PostForm.Get("for"))
	if err != nil || during <= 0 || during > fuse.MaxPause {
		return errBadQuery
	}
	block := fuse.Block{Tenant: r.PostForm.Get("tenant"), Prefix: r.PostForm.Get("prefix")}
	if _, err := u.Commands.LiftFuse(r.Context(), caller, block, during); err != nil {
		return err
	}
	http.Redirect(w, r, "/providers?done=lifted#pumping", http.StatusSeeOther)
	return nil
}
