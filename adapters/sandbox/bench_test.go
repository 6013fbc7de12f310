package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// BenchmarkCreate measures the handler alone, without network or callbacks.
func BenchmarkCreate(b *testing.B) {
	for name, config := range map[string]sandbox.Config{
		"in memory": {},
		"with file": {LedgerPath: filepath.Join(b.TempDir(), "ledger.jsonl")},
	} {
		b.Run(name, func(b *testing.B) {
			s, err := sandbox.New(config)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			handler, form := s.Handler(), text().Encode()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := httptest.NewRequest(http.MethodPost, messages+".json", strings.NewReader(form))
					r.SetBasicAuth(sandbox.DefaultAccountSID, sandbox.DefaultAuthToken)
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, r); w.Code != http.StatusCreated {
						b.Errorf("status %d", w.Code)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
		})
	}
}
