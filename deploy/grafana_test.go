package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"
)

// source is how a panel names a data source.
type source struct{ Type, UID string }

// grafanaDashboard is the part of a dashboard that Grafana does not load, or shows
// nothing of, where it is wrong.
type grafanaDashboard struct {
	ID            *int
	UID           string
	Title         string
	SchemaVersion int
	Inputs        []any `json:"__inputs"` // of a dashboard exported to be shared: it is asked for them
	Panels        []grafanaPanel
}

type grafanaPanel struct {
	ID         int
	Type       string
	Title      string
	Datasource source
	GridPos    struct{ X, Y, W, H int }
	Options    struct {
		Legend *struct {
			ShowLegend *bool
			Calcs      []string
		}
	}
	Targets []struct {
		RefID      string
		Datasource source
	}
}

// dashboards are all those that Grafana finds, by file.
func dashboards(t *testing.T) map[string]grafanaDashboard {
	t.Helper()
	files, err := filepath.Glob("grafana/dashboards/*")
	if err != nil || len(files) != 4 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	found := map[string]grafanaDashboard{}
	for _, file := range files {
		var d grafanaDashboard
		if err := json.Unmarshal([]byte(readFile(t, "deploy/"+file)), &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[file] = d
	}
	return found
}

// sources are the data sources that Grafana is provisioned with.
func sources(t *testing.T) []source {
	t.Helper()
	var file struct {
		Datasources []struct {
			Type, UID string
			JSONData  struct {
				Exemplars []struct {
					UID string `yaml:"datasourceUid"`
				} `yaml:"exemplarTraceIdDestinations"`
			} `yaml:"jsonData"`
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "deploy/grafana/provisioning/datasources/prosms.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var found []source
	for _, s := range file.Datasources {
		found = append(found, source{s.Type, s.UID})
	}
	for _, s := range file.Datasources {
		for _, e := range s.JSONData.Exemplars {
			if !slices.ContainsFunc(found, func(s source) bool { return s.UID == e.UID }) {
				t.Errorf("exemplars of %s lead to %s, which there is not", s.UID, e.UID)
			}
		}
	}
	return found
}

// No Grafana takes part: this is what its provisioning refuses or overwrites, and what a
// panel needs to be drawn where it should be.
func TestGrafanaFindsItsDashboardsWhole(t *testing.T) {
	known, uid := sources(t), regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)
	titles := map[string]bool{}
	for file, d := range dashboards(t) {
		if d.ID != nil || !uid.MatchString(d.UID) || d.Title == "" || titles[d.Title] || d.SchemaVersion < 36 || len(d.Inputs) > 0 || len(d.Panels) == 0 {
			t.Errorf("%s: id %v, uid %q, title %q, schema %d, %d inputs, %d panels", file, d.ID, d.UID, d.Title, d.SchemaVersion, len(d.Inputs), len(d.Panels))
		}
		titles[d.Title] = true
		panels, cells := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if panels[p.ID] || p.ID == 0 || p.Title == "" || !slices.Contains([]string{"stat", "timeseries"}, p.Type) || !slices.Contains(known, p.Datasource) {
				t.Errorf("%s: panel %d %q is a %q from %v", file, p.ID, p.Title, p.Type, p.Datasource)
			}
			panels[p.ID] = true
			if at := p.GridPos; at.X < 0 || at.W < 1 || at.X+at.W > 24 || at.H < 1 {
				t.Errorf("%s: panel %q is beside the grid: %+v", file, p.Title, at)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, taken := cells[[2]int{x, y}]; taken {
						t.Fatalf("%s: panel %q lies on %q", file, p.Title, other)
					}
					cells[[2]int{x, y}] = p.Title
				}
			}
			if l := p.Options.Legend; p.Type == "timeseries" && (l == nil || l.ShowLegend == nil || l.Calcs == nil) {
				t.Errorf("%s: the legend of panel %q is not whole", file, p.Title)
			}
			refs := map[string]bool{}
			for _, target := range p.Targets {
				if refs[target.RefID] || target.RefID == "" || target.Datasource != p.Datasource {
					t.Errorf("%s: panel %q: query %q is there twice, or from %v", file, p.Title, target.RefID, target.Datasource)
				}
				refs[target.RefID] = true
			}
		}
	}
}
