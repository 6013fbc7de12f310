# shellcheck shell=bash
# Sourced by ./test: starts the servers that nobody runs, each with its data in
# $work and on a free port of 127.0.0.1, and stops them at the end. Where none can
# be had the tests that need it say so.

work=${work:?set by ./test}
started=()       # process groups, in the order of their start
epmd_port=       # of RabbitMQ's name server
compose_project= # of containers

start_servers() {
    local name missing
    if [[ ${PROSMS_TEST_SERVERS:-} == private ]]; then
        missing=$'postgres\nrabbitmq\nredis'
    else
        missing=$("$work/testrun" missing) # fails if one that TEST_… names is down
    fi
    [[ -n $missing ]] || { echo "all answer" && return; }
    chmod 711 "$work" # servers run as users of their own
    for name in $missing; do
        if "have_$name" || { install_packages "$(package_of "$name")" && "have_$name"; }; then
            echo "starting $name"
            if ! "start_$name" || ! await "$name"; then gone "$name"; fi
        elif docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
            echo "starting $name in a container"
            if ! start_container "$name"; then gone "$name"; fi
        else
            echo "NO $name: not installed, and neither root with apt-get nor a container engine" >&2
        fi
    done
}

# gone NAME forgets a server that did not start, so that its tests are skipped.
gone() {
    echo "NO $1: it did not start, see above" >&2
    case $1 in
    postgres) unset TEST_DATABASE_URL ;;
    rabbitmq) unset TEST_RABBITMQ_URL ;;
    redis) unset TEST_REDIS_URL ;;
    esac
}

stop_servers() {
    local group i
    for group in "${started[@]}"; do kill -TERM -- "-$group" 2>/dev/null || true; done
    for group in "${started[@]}"; do
        for ((i = 0; i < 100; i++)); do
            kill -0 -- "-$group" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$group" 2>/dev/null || true
    done
    [[ -z $epmd_port ]] || ERL_EPMD_PORT=$epmd_port epmd -kill >/dev/null 2>&1 || true
    [[ -z $compose_project ]] || compose down --volumes --timeout 5 >/dev/null 2>&1 || true
}

# install_packages NAME… installs packages of a Debian distribution, as root.
install_packages() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    echo "installing $*"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        >"$work/apt.log" 2>&1 || { tail -n 5 "$work/apt.log" && return 1; }
}

# find_prometheus prints the folder of prometheus and promtool: of the installed ones,
# or of those in Debian's package, which is unpacked and not installed, since that
# would start a server.
find_prometheus() {
    local program
    if program=$(command -v promtool) && command -v prometheus >/dev/null; then dirname "$program" && return; fi
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    mkdir -p "$work/prometheus" && cd "$work/prometheus" || return 1
    { apt-get download prometheus || { [[ $(id -u) == 0 ]] && apt-get update && apt-get download prometheus; }; } >apt.log 2>&1 || return 1
    dpkg-deb --extract prometheus_*.deb . && [[ -x usr/bin/promtool ]] && echo "$work/prometheus/usr/bin"
}

package_of() {
    case $1 in
    postgres) echo postgresql ;;
    rabbitmq) echo rabbitmq-server ;;
    redis) echo redis-server ;;
    esac
}

# background USER NAME COMMAND… starts a server in a process group of its own,
# so that Ctrl-C reaches ./test alone, which stops servers in order.
background() {
    local user=$1 name=$2
    shift 2
    set -m
    as "$user" "$@" >"$work/$name.log" 2>&1 </dev/null &
    started+=($!)
    set +m
}

# as USER COMMAND… drops root: PostgreSQL refuses it, the others do not need it.
as() {
    local user=$1
    shift
    if [[ $(id -u) == 0 ]]; then
        setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
    else
        "$@"
    fi
}

# directory USER NAME makes a server's own directory in $work and prints it.
directory() {
    install -d -m 700 "$work/$2"
    [[ $(id -u) != 0 ]] || chown "$1:" "$work/$2"
    echo "$work/$2"
}

# await NAME waits until the server started last answers as TEST_… says.
await() {
    local i missing
    for ((i = 0; i < 300; i++)); do
        missing=$("$work/testrun" missing 2>/dev/null || true)
        [[ $'\n'$missing$'\n' == *$'\n'$1$'\n'* ]] || return 0
        kill -0 -- "-${started[-1]}" 2>/dev/null || break
        sleep 0.3
    done
    tail -n 20 "$work/$1.log" >&2
    return 1
}

postgres_bin() {
    local dir
    for dir in "$(pg_config --bindir 2>/dev/null)" $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        [[ -x $dir/initdb && -x $dir/postgres ]] && echo "$dir" && return
    done
    return 1
}
have_postgres() { postgres_bin >/dev/null; }
start_postgres() {
    local bin dir port
    bin=$(postgres_bin) && dir=$(directory postgres postgres) && port=$("$work/testrun" port)
    as postgres "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 \
        --locale=C --no-sync >"$work/initdb.log" 2>&1 || { tail -n 5 "$work/initdb.log" >&2 && return 1; }
    background postgres postgres "$bin/postgres" -D "$dir/data" -p "$port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300
    export TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
}

rabbitmq_server() {
    local program
    for program in /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server; do # Debian's wrapper in PATH insists on its own data
        command -v "$program" && return
    done
    return 1
}
have_rabbitmq() { rabbitmq_server >/dev/null; }
start_rabbitmq() {
    local program dir port distribution
    program=$(rabbitmq_server) && dir=$(directory rabbitmq rabbitmq)
    port=$("$work/testrun" port) && distribution=$("$work/testrun" port) && epmd_port=$("$work/testrun" port)
    echo '[].' >"$work/enabled_plugins"
    chmod 644 "$work/enabled_plugins"
    background rabbitmq rabbitmq env HOME="$dir" ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_NODENAME="prosms-test-$$@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
        RABBITMQ_NODE_PORT="$port" RABBITMQ_DIST_PORT="$distribution" \
        RABBITMQ_MNESIA_BASE="$dir/mnesia" RABBITMQ_LOG_BASE="$dir" RABBITMQ_PID_FILE="$dir/pid" \
        RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE="$dir/none" RABBITMQ_CONFIG_FILES= \
        RABBITMQ_ENABLED_PLUGINS_FILE="$work/enabled_plugins" RABBITMQ_ALLOW_INPUT=1 "$program" -noinput
    export TEST_RABBITMQ_URL="amqp://guest:guest@127.0.0.1:$port/"
}

have_redis() { command -v redis-server >/dev/null; }
start_redis() {
    local dir port
    dir=$(directory redis redis) && port=$("$work/testrun" port)
    background redis redis redis-server --bind 127.0.0.1 --port "$port" --dir "$dir" --save '' --appendonly no
    export TEST_REDIS_URL="redis://127.0.0.1:$port/0"
}

compose() { docker compose --project-name "$compose_project" --file deploy/compose.test.yml "$@"; }
start_container() {
    local address
    compose_project=prosms-test-$$
    compose up --detach --wait "$1" || return 1
    case $1 in
    postgres) address=$(compose port postgres 5432) && export TEST_DATABASE_URL="postgres://postgres:test@$address/postgres?sslmode=disable" ;;
    rabbitmq) address=$(compose port rabbitmq 5672) && export TEST_RABBITMQ_URL="amqp://guest:guest@$address/" ;;
    redis) address=$(compose port redis 6379) && export TEST_REDIS_URL="redis://$address/0" ;;
    esac
}
