# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# libvirt and guests under it, in a lab host with the full root: what is changed
# there is forgotten with it. Source it after lib.sh; it runs nothing.

# shellcheck disable=SC2034 # for who boots a lab host for it
readonly LIBVIRT_PACKAGES="libvirt-daemon libvirt-daemon-system libvirt-clients
	libvirt-daemon-driver-qemu qemu-system-x86"

export VIRSH_DEFAULT_CONNECT_URI=qemu:///system

# What libvirtd finds out about each QEMU, half a minute's work in emulation, and
# believes for as long as neither it nor QEMU has changed.
readonly LIBVIRT_PROBES=/var/cache/libvirt/qemu/capabilities
readonly LIBVIRT_LOG=/var/log/libvirt/libvirtd.log
readonly LIBVIRT_PID=/run/libvirtd.pid

# Each guest has a directory below: its domain's XML, the pipes of its console,
# what it has shown there.
readonly GUESTS=/run/guests

# libvirt_setup PROBES: the machine's own libvirt, without what a lab host lacks
# (cgroups, AppArmor, namespaces, virtlogd), without anything of the machine's
# own, and with the cached probes, if PROBES is not empty.
libvirt_setup()
{
	rm -rf /etc/libvirt/qemu "$LIBVIRT_PROBES"
	mkdir -p /etc/libvirt/qemu /run/libvirt /var/lib/libvirt/qemu \
		"${LIBVIRT_LOG%/*}/qemu" "$LIBVIRT_PROBES" "$GUESTS"
	cat >/etc/libvirt/qemu.conf <<-'END'
		user = "root"
		group = "root"
		security_driver = "none"
		namespaces = []
		cgroup_controllers = []
		remember_owner = 0
		stdio_handler = "file"
	END
	cat >/etc/libvirt/libvirtd.conf <<-END
		auth_unix_rw = "none"
		auth_unix_ro = "none"
		log_outputs = "3:file:$LIBVIRT_LOG"
	END
	[ -z "$1" ] || tar -xf "$1" -C "$LIBVIRT_PROBES"
}

libvirt_answers()
{
	virsh version >/dev/null 2>&1
}

libvirt_start()
{
	libvirtd -d -p "$LIBVIRT_PID" </dev/null >/dev/null 2>&1 &&
		wait_for 600 libvirt_answers || {
		tail -n 20 "$LIBVIRT_LOG" >&2
		die "libvirtd does not answer; its log is above"
	}
}

# Its guests stay.
libvirt_stop()
{
	local pid

	pid=$(<"$LIBVIRT_PID")
	kill "${1:--TERM}" "$pid"
	wait_for 60 has_ended "$pid"
}

# guest_xml NAME GUEST_DIR MIB: a domain that is destroyed, not shut down, by
# its guest's end.
guest_xml()
{
	cat <<END
<domain type='kvm'>
  <name>$1</name>
  <memory unit='MiB'>$3</memory>
  <vcpu>1</vcpu>
  <os>
    <type machine='pc'>hvm</type>
    <kernel>$2/vmlinux</kernel>
    <initrd>$2/initramfs.cpio</initrd>
    <cmdline>console=ttyS0 quiet $GUEST_TICK_ARGUMENTS</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='pipe'>
      <source path='$GUESTS/$1/console'/>
    </serial>
    <memballoon model='virtio' freePageReporting='on'>
      <stats period='1'/>
    </memballoon>
  </devices>
</domain>
END
}

# guest_prepare NAME GUEST_DIR MIB: all but the domain itself.
guest_prepare()
{
	local dir=$GUESTS/$1

	mkdir -p "$dir"
	mkfifo "$dir"/console.{in,out}
	guest_xml "$1" "$2" "$3" >"$dir/xml"
	guest_reader "$dir" </dev/null >"$dir/shown" 2>/dev/null &
	echo $! >"$dir/reader"
}

# What comes from the console, with the time of its arrival. Over and over: the
# pipe outlives each QEMU.
guest_reader()
{
	local line

	while :; do
		while IFS= read -r line; do
			printf '%s %s\n' "$EPOCHREALTIME" "${line%$'\r'}"
		done <"$1/console.out"
	done
}

# guest_start NAME: and wait until it takes lines.
guest_start()
{
	local guest=$1 ready

	ready=$(guest_count "$1" 'guest: ready')
	boot_until_up guest_create guest_is_up guest_is_running || {
		cat "$GUESTS/$1/create.log" >&2
		tail -n 20 "$GUESTS/$1/shown" "/var/log/libvirt/qemu/$1.log" >&2
		die "the guest $1 did not come up; what there is of it is above"
	}
}

# These three are for guest_start() and its $guest.
guest_create()
{
	virsh destroy "$guest" >/dev/null 2>&1 || true
	virsh create "$GUESTS/$guest/xml" >"$GUESTS/$guest/create.log" 2>&1 || true
}

guest_is_up()
{
	guest_has_shown "$guest" 'guest: ready' $((ready + 1))
}

guest_is_running()
{
	virsh domid "$guest" >/dev/null 2>&1
}

# guest_say NAME LINE: to its console.
guest_say()
{
	printf '%s\n' "$2" >"$GUESTS/$1/console.in"
}

# guest_count NAME REGEX: how many lines of its console match.
guest_count()
{
	grep -acE "$2" "$GUESTS/$1/shown" || true
}

# guest_has_shown NAME REGEX NUMBER
guest_has_shown()
{
	[ "$(guest_count "$1" "$2")" -ge "$3" ]
}

# guest_counter NAME FIELD: of its balloon's statistics, as virsh names it.
guest_counter()
{
	virsh dommemstat "$1" | sed -n "s/^$2 //p"
}

# guest_set_memory NAME MIB: and wait for it to follow.
guest_set_memory()
{
	virsh setmem "$1" "${2}M" --live >/dev/null &&
		wait_for 300 guest_has_memory "$1" "$2" ||
		die "the guest $1 does not go to $2 MiB"
}

guest_has_memory()
{
	[ "$(guest_counter "$1" actual)" = $(($2 * 1024)) ]
}

guest_remove()
{
	virsh destroy "$1" >/dev/null 2>&1 || true
	kill "$(<"$GUESTS/$1/reader")" 2>/dev/null || true
	rm -rf "${GUESTS:?}/$1"
}
