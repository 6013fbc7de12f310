//go:build linux

package servers

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a file system of the test's own, in memory.
type Disk struct {
	Folder string // anybody may write there
	t      testing.TB
}

// SmallDisk mounts a disk of so many bytes, such as "100m". Only root may: for others the
// test is skipped, or fails if servers are required.
func SmallDisk(t testing.TB, size string) Disk {
	t.Helper()
	folder, err := os.MkdirTemp("", "prosms-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(folder) })
	d := Disk{folder, t}
	if err := syscall.Mount("tmpfs", d.Folder, "tmpfs", 0, "mode=1777,size="+size); err != nil {
		t.Attr(Attribute+"disk", Skipped+"no disk can be mounted")
		if Required() {
			t.Fatalf("mounting a small disk, which takes root: %v", err)
		}
		t.Skipf("SKIPPED FOR WANT OF ROOT: mounting a small disk: %v", err)
	}
	t.Cleanup(func() { // a server that still ends holds it
		if err := syscall.Unmount(d.Folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d Disk) ballast() string { return filepath.Join(d.Folder, "ballast") }

// Fill leaves no room.
func (d Disk) Fill() {
	d.t.Helper()
	file, err := os.Create(d.ballast())
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for page := make([]byte, 4096); err == nil; {
		_, err = file.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

// Free makes the room again that Fill has taken.
func (d Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}
