#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-daemon.sh KVM-AETD: run the daemon with libvirt's test driver, and do to it
# what happens to daemons. Needs neither root, nor libvirtd, nor the module.
set -u

daemon=$(realpath "$1") || exit 1
dir=$(mktemp -d) || exit 1
pid=
listener=
passed=0
failed=0

cleanup() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	[ -z "$listener" ] || kill -KILL "$listener" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

verdict() { # WHAT GOOD
	if [ "$2" = yes ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1" >&2
		sed 's/^/  log: /' "$dir/log" >&2
		[ ! -e "$dir/answer" ] || sed 's/^/  answer: /' "$dir/answer" >&2
	fi
}

# wait_for COMMAND...: until it succeeds; false after half a minute of trying.
wait_for() {
	tries=300
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# ask MESSAGE: the daemon's answer, without its greeting, in $dir/answer.
ask() {
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new($ARGV[0]) or exit 1;
		defined(<$s>) or exit 1;
		print $s "$ARGV[1]\n";
		print scalar(<$s>) // exit 1;
	' "$dir/run/control" "$1" >"$dir/answer" 2>/dev/null
}

# answers MESSAGE PATTERN
answers() {
	ask "$1" && grep -q -e "$2" "$dir/answer"
}

says() { # PATTERN
	grep -q -e "$1" "$dir/log"
}

# check WHAT COMMAND...: it must come true.
check() {
	what=$1
	shift
	if wait_for "$@"; then verdict "$what" yes; else verdict "$what" no; fi
}

check_not() {
	what=$1
	shift
	if "$@"; then verdict "$what" no; else verdict "$what" yes; fi
}

start() {
	"$daemon" --foreground --config "$dir/kvm-aet.conf" 2>"$dir/log" &
	pid=$!
}

# stop SIGNAL STATUS
stop() {
	kill -"$1" "$pid"
	wait "$pid" 2>/dev/null
	got=$?
	pid=
	[ "$got" = "$2" ] && good=yes || good=no
	verdict "SIG$1 ends it with status $2, got $got" "$good"
}

# serves ADDRESS PORT: metrics are there.
serves() {
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new("$ARGV[0]:$ARGV[1]") or exit 1;
		print $s "GET /metrics HTTP/1.0\r\n\r\n";
		print while <$s>;
	' "$1" "$2" >"$dir/answer" 2>/dev/null && grep -q '^kvmaet_vms 2$' "$dir/answer"
}

# refuses ADDRESS PORT: nobody listens there.
refuses() {
	perl -MIO::Socket::INET -e '
		exit(!IO::Socket::INET->new("$ARGV[0]:$ARGV[1]") && $!{ECONNREFUSED} ? 0 : 1);
	' "$1" "$2"
}

# Listens on loopback, at PORT or a free one, which is in $dir/port, until killed.
listen_at() { # [PORT]
	rm -f "$dir/port"
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
			LocalPort => $ARGV[1], ReuseAddr => 1, Listen => 1) or exit 1;
		open(my $f, ">", $ARGV[0]) or exit 1;
		print $f $s->sockport;
		close($f);
		sleep;
	' "$dir/port" "${1:-0}" &
	listener=$!
	wait_for [ -s "$dir/port" ]
}

# Writes what comes to the socket of sd_notify(3) to FILE, until killed.
listen_as_systemd() { # SOCKET FILE
	perl -MSocket -MIO::Handle -e '
		socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or exit 1;
		bind($s, pack_sockaddr_un($ARGV[0])) or exit 1;
		open(my $f, ">", $ARGV[1]) or exit 1;
		$f->autoflush;
		print $f "$_\n" while defined(recv($s, $_, 4096, 0));
	' "$1" "$2" &
	listener=$!
}

stop_listener() {
	kill -KILL "$listener"
	wait "$listener" 2>/dev/null
	listener=
}

# notified PATTERN TIMES: at least so often.
notified() {
	[ "$(grep -c -e "$1" "$dir/notified")" -ge "$2" ]
}

configure() { # LINE...
	cat >"$dir/kvm-aet.conf" <<END
[libvirt]
uri = test://$dir/node.xml
[tracking]
period = 0.2
[control]
socket = $dir/run/control
group = none
[record]
directory = $dir/run
END
	printf '%s\n' "$@" >>"$dir/kvm-aet.conf"
	chmod 644 "$dir/kvm-aet.conf"
}

domain() { # NAME UUID METADATA
	cat <<END
<domain type='test'>
  <name>$1</name>
  <uuid>$2</uuid>
  <metadata>$3</metadata>
  <memory unit='MiB'>1024</memory>
  <os><type>hvm</type></os>
  <devices><memballoon model='virtio' freePageReporting='on'/></devices>
</domain>
END
}

web=11111111-1111-1111-1111-111111111111
db=22222222-2222-2222-2222-222222222222
status='{"execute":"query-status"}'
mkdir "$dir/run"
{
	echo '<node>'
	domain web $web \
		"<p:policy xmlns:p='urn:kvm-aet:policy:1' min='512MiB' weight='2'/>"
	domain db $db "<p:policy xmlns:p='urn:kvm-aet:policy:1' min='lots'/>"
	echo '</node>'
} >"$dir/node.xml"

# What is said before it starts.
configure '[host]' 'mode = acct'
: >"$dir/log"
"$daemon" --config "$dir/kvm-aet.conf" --check-config >"$dir/out" 2>"$dir/log"
[ $? = 1 ] && [ ! -s "$dir/out" ] && grep -qx \
	"kvm-aetd: $dir/kvm-aet.conf:11: \[host\] mode = 'acct': expected observe, advise or act" \
	"$dir/log" && good=yes || good=no
verdict 'a wrong configuration is reported with its place' "$good"
start
wait "$pid"
[ $? = 1 ] && good=yes || good=no
pid=
verdict 'the daemon does not start with it' "$good"
check_not 'and leaves nothing behind' [ -e "$dir/run/control" ]

configure
chmod 666 "$dir/kvm-aet.conf"
"$daemon" --config "$dir/kvm-aet.conf" --check-config >"$dir/out" 2>"$dir/log"
[ $? = 1 ] && grep -q 'others than its owner may write it' "$dir/log" && good=yes || good=no
verdict 'a configuration that anybody may write is refused' "$good"
"$daemon" --config "$dir/none" --check-config >"$dir/out" 2>"$dir/log"
[ $? = 1 ] && good=yes || good=no
verdict 'a configuration that is named must be there' "$good"
"$daemon" --frob 2>"$dir/log"
[ $? = 2 ] && good=yes || good=no
verdict 'an unknown option is a mistake in usage' "$good"
configure
"$daemon" --config "$dir/kvm-aet.conf" --check-config >"$dir/out" 2>"$dir/log"
cp "$dir/out" "$dir/all.conf"
"$daemon" --config "$dir/all.conf" --check-config >"$dir/again" 2>>"$dir/log"
cmp -s "$dir/out" "$dir/again" && [ ! -s "$dir/log" ] && good=yes || good=no
verdict 'what --check-config shows is a configuration, the same' "$good"

# Guests, without the module and without QEMU.
start
check 'it finds libvirt' answers "$status" '"is-connected":true'
check 'it finds the guests' answers "$status" '"domains":2'
check 'it says why they are not measured' answers "$status" 'it is not measured: '
check 'it decides' answers '{"execute":"query-tick"}' "\"uuid\":\"$web\""
check 'it moves nothing' answers '{"execute":"query-tick"}' '"verdict":"\(hold\|refuse\)"'
check 'it says with which parameters' answers '{"execute":"query-tick"}' \
	'"params":{"policy":{"unit_bytes":4194304,.*"max_step_bytes":536870912,'
check 'metadata is heeded' answers '{"execute":"query-tick"}' \
	'"min_bytes":536870912,"max_bytes":1073741824,"weight":2.0'
check 'broken metadata is reported' says 'db: its metadata is not valid: .*only observed'
check 'and in the status' answers "$status" 'its metadata is not valid'
check 'it remembers' answers "{\"execute\":\"query-history\",\"arguments\":{\"uuid\":\"$db\"}}" \
	'"ticks":\[{'
check 'metadata can be set' answers \
	"{\"execute\":\"set-policy\",\"arguments\":{\"uuid\":\"$db\",\"weight\":3}}" \
	'^{"return":{}}$'
check 'and then is valid' says 'db: its metadata is valid again'
check 'who changed it is logged' says "user $(id -u) (PID [0-9]*): set-policy db"
check 'an unknown VM is an error' answers \
	'{"execute":"set-rate","arguments":{"uuid":"x","inverse-rate":1}}' '"class":"NotFound"'
check 'an unknown command is an error' answers '{"execute":"frob"}' '"class":"CommandNotFound"'
check 'nonsense is an error' answers 'frob' '"class":"BadMessage"'
check 'recordings go nowhere else' answers \
	'{"execute":"record-start","arguments":{"path":"/etc/frob"}}' '"class":"BadArgument"'
check 'a recording begins' answers '{"execute":"record-start","arguments":{"path":"a.zst"}}' \
	"\"path\":\"$dir/run/a.zst\""
check 'and is readable by its owner only' [ "$(stat -c %a "$dir/run/a.zst")" = 600 ]
check 'it ends' answers '{"execute":"record-stop"}' '"return"'
rm -f "$dir/run/a.zst"

# A second daemon.
"$daemon" --foreground --config "$dir/kvm-aet.conf" 2>"$dir/second"
[ $? = 1 ] && grep -q 'another kvm-aetd' "$dir/second" && good=yes || good=no
verdict 'a second daemon is refused' "$good"
check 'the first one goes on' answers "$status" '"domains":2'

# Another configuration.
configure '[host]' 'mode = advise'
kill -HUP "$pid"
check 'it is read again' answers "$status" '"configured-mode":"advise"'
configure '[host]' 'mode = frob'
kill -HUP "$pid"
check 'a wrong one is reported' says "mode = 'frob': expected .*; the configuration stays as it was"
check 'and the one before stays' answers "$status" '"configured-mode":"advise"'
check 'the command that reads it fails, too' answers '{"execute":"reload"}' \
	'"class":"Failed","desc":".*kvm-aet.conf:11: '
configure '[host]' 'mode = observe' '[guard]' 'max-step = 64MiB'
check 'until it is right' answers '{"execute":"reload"}' '^{"return":{}}$'
check 'the next decisions are made with it' answers '{"execute":"query-tick"}' \
	'"max_step_bytes":67108864,'
check 'for the time being the mode can be set' answers \
	'{"execute":"set-mode","arguments":{"mode":"act"}}' '^{"return":{}}$'
check 'which shows' answers "$status" '"mode":"act","configured-mode":"observe"'

# Metrics: nobody's unless asked for, and then where and while that is configured.
listen_at
port=$(cat "$dir/port")
stop_listener
configure '[metrics]' "port = $port"
check 'a port alone is a configuration' answers '{"execute":"reload"}' '^{"return":{}}$'
check 'metrics are off by default' refuses 127.0.0.1 "$port"
configure '[metrics]' 'address = 127.0.0.1' "port = $port"
kill -HUP "$pid"
check 'a reload switches them on' serves 127.0.0.1 "$port"
configure '[metrics]' 'address = 127.0.0.2' "port = $port"
kill -HUP "$pid"
check 'a reload moves them' serves 127.0.0.2 "$port"
check 'away from where they were' refuses 127.0.0.1 "$port"
listen_at "$port"
configure '[metrics]' 'address = 127.0.0.1' "port = $port"
kill -HUP "$pid"
check 'where somebody else listens they cannot be' says \
	"no metrics on 127.0.0.1 port $port: Address already in use.*stays as it was"
stop_listener
check 'and go on as they were' serves 127.0.0.2 "$port"
configure '[metrics]' 'address = 0.0.0.0' "port = $port"
kill -HUP "$pid"
check 'they are never for other hosts' says "address = '0.0.0.0': expected none or a loopback"
check 'and still go on' serves 127.0.0.2 "$port"
configure
kill -HUP "$pid"
check 'a reload switches them off' refuses 127.0.0.2 "$port"

# Killed, and started again over what is left.
stop KILL 137
check 'its socket stays' [ -S "$dir/run/control" ]
start
check 'it starts again' answers "$status" '"domains":2'
check 'in the mode of the configuration' answers "$status" '"mode":"observe"'
check 'and forgot no guest' answers '{"execute":"query-tick"}' "\"uuid\":\"$db\""
stop TERM 0
check_not 'nothing is left behind' [ -n "$(ls "$dir/run")" ]

# Under a service manager that wants to hear of it.
listen_as_systemd "$dir/notify" "$dir/notified"
wait_for [ -S "$dir/notify" ]
export NOTIFY_SOCKET="$dir/notify" WATCHDOG_USEC=400000
start
unset NOTIFY_SOCKET WATCHDOG_USEC
check 'it says when it is ready' notified '^READY=1$' 1
check 'and how it does' notified '^STATUS=mode observe, policy mrc: 2 VMs, 0 measured$' 1
check 'the watchdog hears of it' notified '^WATCHDOG=1$' 3
heard=$(grep -c '^WATCHDOG=1$' "$dir/notified")
check 'again and again' notified '^WATCHDOG=1$' $((heard + 3))
stop TERM 0
check 'and of its end' notified '^STOPPING=1$' 1
stop_listener

# Without libvirt.
configure
sed -i 's|^uri = .*|uri = qemu+unix:///system?socket=/nonexistent/libvirt|' "$dir/kvm-aet.conf"
start
check 'without libvirt it says so' says 'cannot connect to qemu+unix:.*nothing is moved'
check 'and in the status' answers "$status" 'not connected to libvirt'
check 'and works as far as it can' answers "$status" '"tick":[1-9]'
check 'what needs libvirt is refused' answers \
	"{\"execute\":\"set-policy\",\"arguments\":{\"uuid\":\"$db\",\"weight\":3}}" '"error"'
stop INT 0

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
