package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sqlite"
)

func TestMigrationsAreListedWithTheirTimes(t *testing.T) {
	t.Parallel()
	before := time.Now().Add(-2 * time.Second)
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	applied, err := db.Migrations(t.Context())
	if err != nil || len(applied) < 9 {
		t.Fatalf("%d migrations, %v", len(applied), err)
	}
	for i, m := range applied {
		if m.Name == "" || m.At.Before(before) || m.At.After(time.Now()) || i > 0 && m.Version > applied[i-1].Version {
			t.Errorf("%+v", m)
		}
	}
	if last := applied[len(applied)-1]; last.Version != 1 {
		t.Errorf("the first is %+v", last)
	}
}
