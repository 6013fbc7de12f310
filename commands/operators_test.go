package commands

import (
	"errors"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain"
)

func TestAnInvitationLetsOneInOnceAndItsTokenIsNowhereStored(t *testing.T) {
	w := newWorld(t)
	if err := w.handler.SetUpOperators(t.Context(), "ada", "hash"); err != nil {
		t.Fatal(err)
	}
	caller := operator
	caller.Reason = "joins the team"
	token, err := w.handler.InviteOperator(t.Context(), caller, "bob", domain.Viewer)
	if err != nil || len(token) < 26 {
		t.Fatalf("a token of %d characters, %v", len(token), err)
	}
	name, err := w.handler.JoinOperator(t.Context(), token, "bob's hash")
	if err != nil || name != "bob" {
		t.Errorf("JoinOperator = %q, %v", name, err)
	}
	if _, err := w.handler.JoinOperator(t.Context(), token, "eve's hash"); !errors.Is(err, domain.ErrInvitation) {
		t.Errorf("a second time: %v", err)
	}
	recorded, err := w.store.Load(t.Context(), operatorsStream)
	if err != nil || len(recorded) != 3 {
		t.Fatal(len(recorded), err)
	}
	for i, actor := range []string{"operator:ada", "operator:ada", "operator:bob"} {
		if recorded[i].Meta.Actor != actor || recorded[i].Meta.Tenant != "" {
			t.Errorf("event %d is by %q of tenant %q", i+1, recorded[i].Meta.Actor, recorded[i].Meta.Tenant)
		}
		if strings.Contains(string(recorded[i].RawData), token) {
			t.Errorf("event %d shows the token", i+1)
		}
	}
	if recorded[1].Meta.Reason != caller.Reason {
		t.Errorf("the reason is %q", recorded[1].Meta.Reason)
	}
}

func TestOperatorsWithoutAProperNameOrRoleAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name string
		role domain.Role
	}{{"", domain.Viewer}, {"Ada", domain.Viewer}, {"a b", domain.Viewer}, {strings.Repeat("a", 65), domain.Viewer}, {"ada", "root"}} {
		_, err := w.handler.InviteOperator(t.Context(), operator, tt.name, tt.role)
		if invalid := (Invalid{}); !errors.As(err, &invalid) || len(invalid) != 1 {
			t.Errorf("%d characters as %s: %v", len(tt.name), tt.role, err)
		}
	}
}
