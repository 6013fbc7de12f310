package web

import (
	"context"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/migrations"
)

func TestTheDoctorLooksWhenAnOperatorAsks(t *testing.T) {
	asked := 0
	w := newWorld(t, func(u *UI) {
		u.Examine = func(ctx context.Context) []Finding {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the doctor may look for ever")
			}
			asked++
			return []Finding{{Status: "ok", Check: "event log", Detail: "12 events"}, {Status: "FAIL", Check: "Redis", Detail: "refused", Cure: "check REDIS_URL"}}
		}
		u.Migrations = func(context.Context) ([]migrations.Applied, error) {
			return []migrations.Applied{{Version: 9, Name: "messages_by_lane", At: time.Now()}, {Version: 1, Name: "events", At: time.Now()}}, nil
		}
	})
	w.admin()
	olga, viewer := w.join("olga", domain.RoleOperator), w.join("vic", domain.Viewer)
	w.get(olga, "/system").shows(t, "2 migrations", "0009", "messages by lane", "Examine", "sends nothing")
	w.get(viewer, "/system").hides(t, "/system/doctor")
	if a := w.post(viewer, "/system/doctor"); a.status != 403 || asked != 0 {
		t.Errorf("a viewer: %d, asked %d times", a.status, asked)
	}
	if a := w.post(olga, "/system/doctor"); a.status != 303 || asked != 1 {
		t.Errorf("an operator: %d, asked %d times", a.status, asked)
	}
	w.get(viewer, "/system").shows(t, "1 to mend", "check REDIS_URL", "12 events", "asked by olga")
}

func TestTheDoctorLooksOnceAtATime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	d := &doctor{now: time.Now, examine: func(context.Context) []Finding {
		entered <- struct{}{}
		<-leave
		return []Finding{{Status: "ok"}}
	}}
	done := make(chan struct{})
	go func() { d.look(t.Context(), "olga"); close(done) }()
	<-entered
	d.look(t.Context(), "vic") // would wait for ever to enter
	close(leave)
	<-done
	if last := d.last(); last.By != "olga" || last.Count("ok") != 1 {
		t.Errorf("kept %+v", last)
	}
}
