package deploy_test

import (
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// manifest is the part of a Kubernetes object that the tests look at.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Selector       any
		Template       struct{ Spec pod }
		ScaleTargetRef struct{ Name string } `yaml:"scaleTargetRef"`
		Ports          []struct {
			TargetPort string `yaml:"targetPort"`
		}
		Metrics []struct {
			External struct{ Metric struct{ Name string } }
		}
	}
}

type pod struct {
	GracePeriod     int `yaml:"terminationGracePeriodSeconds"`
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
	} `yaml:"securityContext"`
	Containers []container
}

type container struct {
	Image string
	Args  []string
	Env   []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	EnvFrom []map[string]struct{ Name string } `yaml:"envFrom"`
	Ports   []struct {
		Name          string
		ContainerPort string `yaml:"containerPort"`
	}
	StartupProbe    probe `yaml:"startupProbe"`
	LivenessProbe   probe `yaml:"livenessProbe"`
	ReadinessProbe  probe `yaml:"readinessProbe"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnly                 bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// manifests reads every object, and refuses a field that is given twice.
func manifests(t *testing.T) []manifest {
	t.Helper()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("manifests: %v, %v", files, err)
	}
	var all []manifest
	for _, file := range files {
		decoder := yaml.NewDecoder(strings.NewReader(readFile(t, filepath.Join("deploy", file))))
		for {
			var m manifest
			err := decoder.Decode(&m)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || m.Kind == "" || m.Metadata.Name == "" {
				t.Fatalf("%s: %v, kind %q, name %q", file, err, m.Kind, m.Metadata.Name)
			}
			all = append(all, m)
		}
	}
	return all
}

// ours are the containers of all pods, by the object that they stand in.
func ours(t *testing.T) map[string]container {
	all := map[string]container{}
	for _, m := range manifests(t) {
		for _, c := range m.Spec.Template.Spec.Containers {
			all[m.Metadata.Name] = c
		}
	}
	return all
}

func TestManifestsSetWhatExists(t *testing.T) {
	known := readFile(t, ".env.example")
	names := map[string]bool{}
	for _, m := range manifests(t) {
		names[m.Kind+"/"+m.Metadata.Name] = true
		for name, value := range m.Data {
			if !regexp.MustCompile(`(?m)^(# )?` + name + `=`).MatchString(known) {
				t.Errorf("%s sets %s, which is no setting", m.Metadata.Name, name)
			}
			if regexp.MustCompile(`TOKEN|KEY|_URL$`).MatchString(name) && name != "PROSMS_PUBLIC_URL" {
				t.Errorf("%s holds %s, which is a secret: %q", m.Metadata.Name, name, value)
			}
		}
	}
	for object, c := range ours(t) {
		for _, from := range c.EnvFrom {
			if ref, ok := from["configMapRef"]; ok && !names["ConfigMap/"+ref.Name] {
				t.Errorf("%s reads ConfigMap %s, which there is not", object, ref.Name)
			}
		}
		for _, env := range c.Env {
			if !strings.Contains(known, env.Name+"=") || env.ValueFrom.SecretKeyRef.Name == "" {
				t.Errorf("%s sets %s, which is no setting or stands there openly", object, env.Name)
			}
		}
	}
	for _, m := range manifests(t) {
		if target := m.Spec.ScaleTargetRef.Name; target != "" && !names["Deployment/"+target] {
			t.Errorf("%s scales %s, which there is not", m.Metadata.Name, target)
		}
		for _, metric := range m.Spec.Metrics {
			if !strings.Contains(readFile(t, "cmd/prosms/gauges.go"), `"`+metric.External.Metric.Name+`"`) {
				t.Errorf("%s goes by %s, which is no metric of ours", m.Metadata.Name, metric.External.Metric.Name)
			}
		}
	}
}

func TestPodsAreProbedWhereTheProgramAnswersAndHaveLeastPrivilege(t *testing.T) {
	admin := ""
	for _, m := range manifests(t) {
		if m.Kind == "ConfigMap" {
			admin = strings.TrimPrefix(m.Data["PROSMS_ADMIN_ADDR"], ":")
		}
	}
	routes := readFile(t, "adapters/http/admin.go")
	for _, m := range manifests(t) {
		for _, c := range m.Spec.Template.Spec.Containers {
			s := c.SecurityContext
			if !m.Spec.Template.Spec.SecurityContext.RunAsNonRoot || !s.ReadOnly || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
				t.Errorf("%s has more privileges than it needs", m.Metadata.Name)
			}
			if m.Kind != "Deployment" {
				continue
			}
			if m.Spec.Template.Spec.GracePeriod < 90 {
				t.Errorf("%s is killed while it drains", m.Metadata.Name)
			}
			ports := map[string]string{}
			for _, p := range c.Ports {
				ports[p.Name] = p.ContainerPort
			}
			for _, p := range []probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
				if ports[p.HTTPGet.Port] != admin || !strings.Contains(routes, `"GET `+p.HTTPGet.Path+`"`) {
					t.Errorf("%s is probed at %q, port %q", m.Metadata.Name, p.HTTPGet.Path, p.HTTPGet.Port)
				}
			}
		}
	}
}

// All roles together do all the work, and the program takes the arguments.
func TestDeploymentsHaveAllRoles(t *testing.T) {
	program := filepath.Join(t.TempDir(), "prosms")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/prosms")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	var roles []string
	for object, c := range ours(t) {
		out, err := exec.CommandContext(t.Context(), program, append(slices.Clone(c.Args), "--help")...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Usage: prosms "+c.Args[0]) {
			t.Errorf("%s: prosms does not take %q: %v\n%s", object, c.Args, err, out)
		}
		if at := slices.Index(c.Args, "--roles"); at >= 0 {
			roles = append(roles, strings.Split(c.Args[at+1], ",")...)
		}
	}
	slices.Sort(roles)
	if want := []string{"api", "dispatch", "project", "relay", "schedule"}; !slices.Equal(roles, want) {
		t.Errorf("the deployments have the roles %q, want %q", roles, want)
	}
}
