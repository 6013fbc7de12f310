package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// root is the top of the tree, seen from here.
const root = ".."

// composeFile is the part of a Compose file that the tests look at.
type composeFile struct {
	Services map[string]service
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       struct{ Context, Target string }
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Networks    []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct{ Test []string }
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Restart     string
	Profiles    []string
}

func readCompose(t *testing.T, name string) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal([]byte(readFile(t, name)), &c); err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	return c
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pinned is an image with a version down to the patch: "postgres:15.15-bookworm".
var pinned = regexp.MustCompile(`^[a-z0-9/-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$`)

func TestEveryForeignImageIsPinned(t *testing.T) {
	for _, file := range []string{"docker-compose.yml", "deploy/compose.test.yml"} {
		for name, s := range readCompose(t, file).Services {
			if s.Build.Context == "" && !pinned.MatchString(s.Image) {
				t.Errorf("%s: image %q of %s has no exact version", file, s.Image, name)
			}
		}
	}
}

func TestTestsAndStackUseTheSameServers(t *testing.T) {
	stack := readCompose(t, "docker-compose.yml").Services
	for name, s := range readCompose(t, "deploy/compose.test.yml").Services {
		if strings.TrimSuffix(stack[name].Image, "-management") != s.Image {
			t.Errorf("%s: the stack runs %s, the tests %s", name, stack[name].Image, s.Image)
		}
	}
}

func TestEveryVariableIsKnown(t *testing.T) {
	example := readFile(t, ".env.example")
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(?:# ?)?([A-Z][A-Z0-9_]*)=`).FindAllStringSubmatch(example, -1) {
		known[m[1]] = true
	}
	for service, s := range readCompose(t, "docker-compose.yml").Services {
		for name := range s.Environment {
			if s.Build.Target == "prosms" && !known[name] {
				t.Errorf("%s sets %s, which is not in .env.example", service, name)
			}
		}
	}
	ownNames := []string{"POSTGRES_PASSWORD", "OWNER_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD", "API_PORT"}
	for _, m := range regexp.MustCompile(`\$\{([A-Z0-9_]+)`).FindAllStringSubmatch(readFile(t, "docker-compose.yml"), -1) {
		if !known[m[1]] && !slices.Contains(ownNames, m[1]) {
			t.Errorf("docker-compose.yml reads %s, which is not in .env.example", m[1])
		}
	}
}

// A variable that is not set may not keep the stack from starting.
func TestEveryVariableHasADefault(t *testing.T) {
	for _, m := range regexp.MustCompile(`\$\{?[A-Z0-9_]+(:-)?`).FindAllStringSubmatch(readFile(t, "docker-compose.yml"), -1) {
		if m[1] == "" {
			t.Errorf("%s has no default", m[0])
		}
	}
}

func TestOnlyTheAPIIsPublishedToOtherMachines(t *testing.T) {
	for name, s := range readCompose(t, "docker-compose.yml").Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") && (name != "api" || !strings.HasSuffix(port, ":8080")) {
				t.Errorf("%s publishes %s", name, port)
			}
		}
	}
}

func TestServicesHaveLeastPrivilege(t *testing.T) {
	c := readCompose(t, "docker-compose.yml")
	for name, s := range c.Services {
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges", name)
		}
		if s.Build.Context != "" && (!s.ReadOnly || !slices.Contains(s.CapDrop, "ALL")) {
			t.Errorf("%s, our own, has capabilities or writes to its image", name)
		}
	}
	for _, name := range []string{"postgres", "redis"} {
		for _, network := range c.Services[name].Networks {
			if !c.Networks[network].Internal {
				t.Errorf("%s is on network %s, which has a way out", name, network)
			}
		}
	}
}

func TestWhatAServiceWaitsForHasAHealthCheck(t *testing.T) {
	c := readCompose(t, "docker-compose.yml")
	dockerfile := readFile(t, "Dockerfile")
	for name, s := range c.Services {
		for dependency, d := range s.DependsOn {
			other := c.Services[dependency]
			if other.Restart == "on-failure" && d.Condition == "service_completed_successfully" {
				continue // it runs once
			}
			inImage := other.Build.Target != "" && strings.Contains(stage(dockerfile, other.Build.Target), "\nHEALTHCHECK ")
			if d.Condition != "service_healthy" || len(other.Healthcheck.Test) == 0 && !inImage {
				t.Errorf("%s does not wait for %s to be healthy", name, dependency)
			}
		}
	}
}

// What watches the stack has to know where everything listens.
func TestTheMonitoringFindsWhatItWatches(t *testing.T) {
	c := readCompose(t, "docker-compose.yml")
	listening := map[string]string{"rabbitmq": ":15692"}
	for name := range roles(c) {
		listening[name] = c.Services[name].Environment["PROSMS_ADMIN_ADDR"]
	}
	for name, port := range listening {
		networks := c.Services[name].Networks
		if !slices.ContainsFunc(c.Services["prometheus"].Networks, func(n string) bool { return slices.Contains(networks, n) }) {
			t.Errorf("prometheus does not share a network with %s", name)
		}
		scrapes := readFile(t, "deploy/prometheus/prometheus.yml")
		discovered := regexp.MustCompile(`names: \[[^]]*\b` + name + `\b[^]]*\], type: A, port: ` + strings.TrimPrefix(port, ":") + `\b`)
		if !discovered.MatchString(scrapes) && !strings.Contains(scrapes, `"`+name+port+`"`) {
			t.Errorf("prometheus does not scrape %s at %s", name, port)
		}
	}
	if !strings.Contains(readFile(t, "deploy/rabbitmq/enabled_plugins"), "rabbitmq_prometheus") {
		t.Error("rabbitmq does not serve metrics")
	}
	sources := readFile(t, "deploy/grafana/provisioning/datasources/prosms.yml")
	for _, m := range regexp.MustCompile(`url: http://([a-z]+):(\d+)`).FindAllStringSubmatch(sources, -1) {
		published := "127.0.0.1:" + m[2] + ":" + m[2]
		if s, ok := c.Services[m[1]]; !ok || !slices.Contains(s.Ports, published) || !slices.Contains(s.Networks, "front") {
			t.Errorf("grafana asks %s at %s, which is no such service", m[1], m[2])
		}
	}
	for name := range c.Services["grafana"].DependsOn {
		if !strings.Contains(sources, "//"+name+":") {
			t.Errorf("grafana waits for %s and does not ask it", name)
		}
	}
	provisioned := readFile(t, "deploy/grafana/provisioning/dashboards/prosms.yml")
	if !slices.ContainsFunc(c.Services["grafana"].Volumes, func(v string) bool {
		parts := strings.Split(v, ":")
		return parts[0] == "./deploy/grafana/dashboards" && strings.Contains(provisioned, "path: "+parts[1])
	}) {
		t.Error("grafana does not look for dashboards where they are mounted")
	}
}

// roles are what each service that serves does.
func roles(c composeFile) map[string][]string {
	roles := map[string][]string{}
	for name, s := range c.Services {
		if at := slices.Index(s.Command, "--roles"); at >= 0 {
			roles[name] = strings.Split(s.Command[at+1], ",")
		}
	}
	return roles
}

func TestTheServicesHaveAllRolesBetweenThem(t *testing.T) {
	var all []string
	for _, its := range roles(readCompose(t, "docker-compose.yml")) {
		all = append(all, its...)
	}
	slices.Sort(all)
	if want := []string{"api", "dispatch", "project", "relay", "schedule"}; !slices.Equal(all, want) {
		t.Errorf("the services have the roles %q, want %q", all, want)
	}
}

// Wherever a program is told an address, a service that it shares a network with
// listens there.
func TestEveryAddressIsThatOfAService(t *testing.T) {
	c := readCompose(t, "docker-compose.yml")
	listens := map[string]string{ // beyond those that the file itself says
		"postgres": "5432", "rabbitmq": "5672", "redis": "6379", "traces": "4318", // OTLP over HTTP
	}
	for name := range roles(c) {
		if slices.Contains(roles(c)[name], "api") {
			listens[name] = strings.TrimPrefix(c.Services[name].Environment["PROSMS_HTTP_ADDR"], ":")
		}
	}
	sandbox := c.Services["sandbox"].Command
	listens["sandbox"] = strings.TrimPrefix(sandbox[slices.Index(sandbox, "-http")+1], ":")
	defaults := regexp.MustCompile(`\$\{[A-Z0-9_]+:-([^}]*)\}`)
	address := regexp.MustCompile(`[a-z]+://(?:[^/@]*@)?([^/:@]+):(\d+)`)
	found := 0
	for name, s := range c.Services {
		told := slices.Clone(s.Command)
		for _, value := range s.Environment {
			told = append(told, value)
		}
		for _, value := range told {
			for _, m := range address.FindAllStringSubmatch(defaults.ReplaceAllString(value, "$1"), -1) {
				if found++; s.Build.Target == "" {
					continue
				}
				other, ok := c.Services[m[1]]
				if !ok || listens[m[1]] != m[2] {
					t.Errorf("%s is told of %s, where nobody listens", name, m[0])
				} else if !slices.ContainsFunc(other.Networks, func(n string) bool { return slices.Contains(s.Networks, n) }) {
					t.Errorf("%s does not reach %s", name, m[1])
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d addresses were found", found)
	}
}

// Only what migrates logs in as the owner of the log.
func TestTheGatewayOwnsNothing(t *testing.T) {
	c := readCompose(t, "docker-compose.yml")
	script := readFile(t, "deploy/postgres/owner.sh")
	for name, s := range c.Services {
		url := s.Environment["DATABASE_URL"]
		if url == "" {
			continue
		}
		login, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), ":")
		if owner := strings.Contains(script, "OWNER "+login+";"); owner != (s.Command[0] == "migrate") || !strings.Contains(script, "CREATE ROLE "+login+" LOGIN ") {
			t.Errorf("%s logs in as %s", name, login)
		}
	}
}

func TestWhatIsMountedExists(t *testing.T) {
	c := readCompose(t, "docker-compose.yml")
	for name, s := range c.Services {
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(source, "./") {
				if _, ok := c.Volumes[source]; !ok {
					t.Errorf("%s mounts volume %s, which is not declared", name, source)
				}
				continue
			}
			if _, err := os.Stat(filepath.Join(root, source)); err != nil {
				t.Errorf("%s mounts %s: %v", name, source, err)
			}
		}
	}
}
