package systemtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// The checker of accessibility, of one release: it runs in the tests' browser and is
// no part of the program.
const (
	axeRelease   = "axe-core@4.14.1"
	axeFile      = "axe-core-4.14.1.tgz"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axe is the checker's script. It is kept in the cache of the user.
var axe = sync.OnceValues(func() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder = filepath.Join(folder, "prosms-test")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	script, err := readAxe(filepath.Join(folder, axeFile))
	if !errors.Is(err, os.ErrNotExist) {
		return script, err
	}
	if out, err := exec.Command("npm", "pack", "--silent", "--pack-destination", folder, axeRelease).CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm pack %s: %w\n%s", axeRelease, err, out)
	}
	return readAxe(filepath.Join(folder, axeFile))
})

// readAxe takes the script out of the package, which must be the one that is meant.
func readAxe(path string) (string, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		return "", fmt.Errorf("%s is not what it was", axeFile)
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(plain); ; {
		header, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("searching %s: %w", axeFile, err)
		}
		if header.Name == "package/axe.min.js" {
			script, err := io.ReadAll(files)
			return string(script), err
		}
	}
}

// axeScript returns the checker, or skips as loudly as for want of a server.
func axeScript(t *testing.T) string {
	t.Helper()
	script, err := axe()
	if err != nil {
		t.Attr(servers.Attribute+"axe-core", servers.Skipped+"not to be had")
		if servers.Required() {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED FOR WANT OF %s: %v", axeRelease, err)
	}
	t.Attr(servers.Attribute+"axe-core", axeRelease)
	return script
}

// violations asks for what breaks WCAG 2.2 AA, and says where.
const violations = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target.join(" ") + ": " + n.any.concat(n.all, n.none).map(c => c.message).join("; "))).join("\n"))`

// accessible fails for what the checker finds on the page as it is.
func (b *browser) accessible(script, where string) {
	b.t.Helper()
	loaded, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	b.must(err)
	if !loaded {
		b.do("loading the checker", chromedp.Evaluate[chromedp.Void](script+";undefined"))
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](violations, chromedp.EvalAwaitPromise))
	b.must(err)
	if found != "" {
		b.t.Errorf("%s:\n%s", where, found)
	}
}
