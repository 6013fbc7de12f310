package systemtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// finding is what the doctor says of one thing that it looked at.
type finding struct{ Check, Status, Detail, Cure string }

// examined runs the doctor on the rig, with further settings.
func (r *rig) examined(settings ...string) (map[string]finding, error) {
	r.t.Helper()
	printed, _, failed := prosms(r.t, append(r.environ[:len(r.environ):len(r.environ)], settings...), "doctor", "--json")
	var report struct{ Findings []finding }
	if err := json.Unmarshal([]byte(printed), &report); err != nil {
		r.t.Fatalf("the doctor's report: %v\n%s", err, printed)
	}
	found := map[string]finding{}
	for _, f := range report.Findings {
		if (f.Cure == "") != (f.Status == "ok") {
			r.t.Errorf("%s is %s, and its cure %q", f.Check, f.Status, f.Cure)
		}
		found[f.Check] = f
	}
	return found, failed
}

func TestTheDoctorFindsARunningGatewayWell(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			for range 2 { // the first makes nothing that the second would find
				if found, err := rig.examined(); full && (err != nil || found["RabbitMQ and its queues"].Status != "note") {
					t.Errorf("before there are queues it says %v: %+v", err, found["RabbitMQ and its queues"])
				}
			}
			gateway := rig.start()
			found, err := rig.examined("PROSMS_PUBLIC_URL=" + gateway.url)
			if err != nil {
				t.Errorf("it says %v: %+v", err, found)
			}
			wells := []string{"configuration", "database and its schema", "event log", "disk", "provider twilio", "public URL: a signed callback of twilio"}
			if full {
				wells = append(wells, "PostgreSQL", "clock", "rights: the log can only be read and appended to", "RabbitMQ and its queues", "RabbitMQ takes messages", "Redis")
			}
			for _, check := range wells {
				if found[check].Status != "ok" && found[check].Status != "warn" { // a busy disk is slow
					t.Errorf("%s: %+v", check, found[check])
				}
			}
			gateway.stop()
		})
	}
}

func TestTheDoctorSaysWhatIsWrongAndHowToCureIt(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	gateway := rig.start()
	const wrong = "not-the-token"
	rig.replace("TWILIO_AUTH_TOKEN", wrong)
	found, err := rig.examined("PROSMS_PUBLIC_URL="+gateway.url, "DATABASE_URL=sqlite:///no/such/folder/prosms.db", "REDIS_URL=redis://127.0.0.1:1/0", "RABBITMQ_URL=amqp://guest:guest@127.0.0.1:1/")
	for check, cure := range map[string]string{
		"database and its schema": "DATABASE_URL", "Redis": "REDIS_URL", "RabbitMQ and its queues": "RABBITMQ_URL",
		"provider twilio": "token", "public URL: a signed callback of twilio": "PROSMS_PUBLIC_URL",
	} {
		if f := found[check]; err == nil || f.Status != "FAIL" || !strings.Contains(f.Cure, cure) || strings.Contains(f.Detail, wrong) {
			t.Errorf("%s: %+v, error %v", check, f, err)
		}
	}
	gateway.stop()
}

func TestTheDoctorSaysWhichSettingsAreWrong(t *testing.T) {
	t.Parallel()
	r := &rig{t: t, environ: []string{"TWILIO_ACCOUNT_SID=" + sandbox.DefaultAccountSID, "PROSMS_MAX_RETRIES=many"}}
	found, err := r.examined()
	if f := found["configuration"]; err == nil || f.Status != "FAIL" || !strings.Contains(f.Detail, "PROSMS_MAX_RETRIES") || strings.Contains(f.Detail, "many") {
		t.Errorf("configuration: %+v, error %v", f, err)
	}
}
