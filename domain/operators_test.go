package domain_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func operators(given ...events.Event) domain.Operators {
	var o domain.Operators
	for _, e := range given {
		o = o.Evolve(e)
	}
	return o
}

func TestOperatorsComeAndGoAndAnAdminRemains(t *testing.T) {
	ada := events.OperatorJoined{Name: "ada", Role: "admin", Password: "hash"}
	grace := events.OperatorJoined{Name: "grace", Role: "admin"}
	token := events.Hash(sha256.Sum256([]byte("token")))
	invited := events.OperatorInvited{Name: "bob", Role: "viewer", Token: token, ExpiresAt: *at(2), By: "operator:ada"}
	joined := events.OperatorJoined{Name: "bob", Role: "viewer", Password: "new"}
	demoting := invited
	demoting.Name = "ada"
	subject, another := events.Hash(sha256.Sum256([]byte("subject"))), events.Hash(sha256.Sum256([]byte("another")))
	admitted := events.OperatorAdmitted{Name: "eve@example.com", Role: "viewer", Subject: subject}
	promoted := admitted
	promoted.Role = "admin"
	inviting := invited
	inviting.Name = admitted.Name
	for _, tt := range []struct {
		name  string
		given []events.Event
		when  domain.Command
		then  []events.Event
		err   error
	}{
		{"the first is an admin", nil, domain.SetUpOperators{Name: "ada", Password: "hash"}, history(ada), nil},
		{"there is one first", history(ada), domain.SetUpOperators{Name: "eve"}, nil, domain.ErrSetUp},
		{"nor beside an invitation", history(invited), domain.SetUpOperators{Name: "eve"}, nil, domain.ErrSetUp},
		{"invited", history(ada), domain.InviteOperator{Invitation: invited}, history(invited), nil},
		{"joined", history(ada, invited), domain.JoinOperator{Token: token, Password: "new", Now: *at(1)}, history(joined), nil},
		{"too late", history(ada, invited), domain.JoinOperator{Token: token, Now: *at(2)}, nil, domain.ErrInvitation},
		{"a second time", history(ada, invited, joined), domain.JoinOperator{Token: token, Now: *at(1)}, nil, domain.ErrInvitation},
		{"with another token", history(ada, invited), domain.JoinOperator{Now: *at(1)}, nil, domain.ErrInvitation},
		{"no token where nobody is invited", history(ada), domain.JoinOperator{Now: *at(1)}, nil, domain.ErrInvitation},
		{"with that of one who was removed", history(ada, invited, events.OperatorRemoved{Name: "bob"}), domain.JoinOperator{Token: token, Now: *at(1)}, nil, domain.ErrInvitation},
		{"another role", history(ada, joined), domain.ChangeRole{Name: "bob", Role: domain.RoleOperator, By: "operator:ada"}, history(events.OperatorRoleChanged{Name: "bob", Role: "operator", By: "operator:ada"}), nil},
		{"the same role", history(ada, joined), domain.ChangeRole{Name: "bob", Role: domain.Viewer}, nil, nil},
		{"a role for nobody", history(ada), domain.ChangeRole{Name: "bob", Role: domain.Viewer}, nil, domain.ErrNotFound},
		{"the last admin stays one", history(ada, joined), domain.ChangeRole{Name: "ada", Role: domain.Viewer}, nil, domain.ErrLastAdmin},
		{"also by an invitation", history(ada, joined), domain.InviteOperator{Invitation: demoting}, nil, domain.ErrLastAdmin},
		{"one of two admins does not", history(ada, grace), domain.ChangeRole{Name: "ada", Role: domain.Viewer}, history(events.OperatorRoleChanged{Name: "ada", Role: "viewer"}), nil},
		{"removed", history(ada, joined), domain.RemoveOperator{Name: "bob", By: "operator:ada"}, history(events.OperatorRemoved{Name: "bob", By: "operator:ada"}), nil},
		{"the last admin is not", history(ada, joined), domain.RemoveOperator{Name: "ada"}, nil, domain.ErrLastAdmin},
		{"nobody is not", history(ada), domain.RemoveOperator{Name: "bob"}, nil, domain.ErrNotFound},
		{"admitted", history(ada), domain.AdmitOperator{Name: "eve@example.com", Role: domain.Viewer, Subject: subject}, history(admitted), nil},
		{"admitted first of all", nil, domain.AdmitOperator{Name: "eve@example.com", Role: domain.RoleAdmin, Subject: subject}, history(promoted), nil},
		{"again in the same role", history(admitted), domain.AdmitOperator{Name: "eve@example.com", Role: domain.Viewer, Subject: subject}, nil, nil},
		{"again in another role", history(admitted), domain.AdmitOperator{Name: "eve@example.com", Role: domain.RoleAdmin, Subject: subject}, history(promoted), nil},
		{"the last admin in a lesser role", history(promoted), domain.AdmitOperator{Name: "eve@example.com", Role: domain.Viewer, Subject: subject}, history(admitted), nil},
		{"another person under the same name", history(admitted), domain.AdmitOperator{Name: "eve@example.com", Role: domain.Viewer, Subject: another}, nil, domain.ErrNameTaken},
		{"under the name of one with a password", history(ada), domain.AdmitOperator{Name: "ada", Role: domain.RoleAdmin, Subject: subject}, nil, domain.ErrNameTaken},
		{"under a name that is invited", history(ada, invited), domain.AdmitOperator{Name: "bob", Role: domain.RoleAdmin, Subject: subject}, nil, domain.ErrNameTaken},
		{"another person once the first was removed", history(ada, admitted, events.OperatorRemoved{Name: "eve@example.com"}), domain.AdmitOperator{Name: "eve@example.com", Role: domain.Viewer, Subject: another}, history(events.OperatorAdmitted{Name: "eve@example.com", Role: "viewer", Subject: another}), nil},
		{"no role but that of the identity provider", history(ada, admitted), domain.ChangeRole{Name: "eve@example.com", Role: domain.RoleAdmin}, nil, domain.ErrAdmitted},
		{"no invitation for one who was admitted", history(ada, admitted), domain.InviteOperator{Invitation: inviting}, nil, domain.ErrAdmitted},
		{"a command of something else", nil, domain.Cancel{}, nil, domain.ErrUnknownCommand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := operators(tt.given...).Decide(tt.when)
			if diff := cmp.Diff(tt.then, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("Decide: %v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}

func TestANewPasswordBeginsANewEra(t *testing.T) {
	joined := events.OperatorJoined{Name: "ada", Role: "admin", Password: "one"}
	before := operators(joined)
	after := before.Evolve(events.OperatorJoined{Name: "ada", Role: "admin", Password: "two"})
	if before.ByName["ada"].Era == after.ByName["ada"].Era || before.ByName["ada"].Password != "one" {
		t.Errorf("before %+v, after %+v", before, after)
	}
	changed := after.Evolve(events.OperatorRoleChanged{Name: "ada", Role: "viewer"})
	if changed.ByName["ada"].Era != after.ByName["ada"].Era {
		t.Error("another role ends the sessions")
	}
}

func TestSessionsOfOneWhoWasRemovedDoNotComeBackWithTheName(t *testing.T) {
	for _, came := range []events.Event{
		events.OperatorJoined{Name: "bob", Role: "viewer"},
		events.OperatorAdmitted{Name: "bob", Role: "viewer", Subject: events.Hash{1}},
	} {
		before := operators(events.OperatorJoined{Name: "ada", Role: "admin"}, came)
		after := before.Evolve(events.OperatorRemoved{Name: "bob"}).Evolve(came)
		if before.ByName["bob"].Era == after.ByName["bob"].Era {
			t.Errorf("%s: before %+v, after %+v", came.EventType(), before, after)
		}
	}
	admitted := operators(events.OperatorAdmitted{Name: "bob", Role: "viewer", Subject: events.Hash{1}})
	promoted := admitted.Evolve(events.OperatorAdmitted{Name: "bob", Role: "admin", Subject: events.Hash{1}})
	if admitted.ByName["bob"].Era != promoted.ByName["bob"].Era || promoted.ByName["bob"].Role != domain.RoleAdmin {
		t.Errorf("another role: before %+v, after %+v", admitted, promoted)
	}
}

func TestRolesIncludeLesserOnes(t *testing.T) {
	for i, role := range domain.Roles {
		for j, other := range domain.Roles {
			if role.Includes(other) != (i >= j) {
				t.Errorf("%s includes %s: %v", role, other, role.Includes(other))
			}
		}
		if role.Includes("") || domain.Role("").Includes(role) || domain.Role("root").Includes(role) {
			t.Errorf("%s and what is no role include each other", role)
		}
	}
}
