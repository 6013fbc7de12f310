package sqlite

import (
	"bytes"
	"os"
	"testing"
)

func TestADeletedKeyLeavesNoBytesInTheFiles(t *testing.T) {
	db := open(t)
	key := []byte("a key that nobody must find again")
	for _, name := range []string{"a", "b"} {
		if _, err := db.Keyring().KeepOrGet(t.Context(), name, append([]byte(name), key...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Keyring().Delete(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(db.log.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, key) {
			t.Errorf("the key is in the file%s", suffix)
		}
	}
}
