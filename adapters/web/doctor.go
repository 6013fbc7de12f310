package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// doctorTime bounds an examination. It is less than a request may take.
const doctorTime = 12 * time.Second

// doctor examines the installation when an operator asks, once at a time, and keeps
// what it found last.
type doctor struct {
	examine func(context.Context) []Finding
	now     func() time.Time

	busy sync.Mutex // held while it examines
	mu   sync.Mutex
	kept examination
}

// examination is what the doctor found, when, and who asked.
type examination struct {
	Findings []Finding // empty: nobody has asked yet
	At       time.Time
	By       string
}

// Count returns how many findings have a status.
func (e examination) Count(status string) (n int) {
	for _, f := range e.Findings {
		if f.Status == status {
			n++
		}
	}
	return n
}

func (d *doctor) last() examination {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept
}

// look examines, unless somebody else has it look already: their findings will do.
func (d *doctor) look(ctx context.Context, by string) {
	if !d.busy.TryLock() {
		return
	}
	defer d.busy.Unlock()
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	found := examination{Findings: d.examine(ctx), At: d.now(), By: by}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = found
}

// examine has the doctor look and goes back to the page that shows it.
func (u *ui) examine(w http.ResponseWriter, r *http.Request, v visit) error {
	if u.Examine == nil {
		u.errorPage(w, r, http.StatusNotFound, v, "")
		return nil
	}
	u.doctor.look(r.Context(), v.Name)
	http.Redirect(w, r, "/system#doctor", http.StatusSeeOther)
	return nil
}
