# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Helpers shared by the scripts in this folder. Source it; it runs nothing.

# Everything built or unpacked lives here, outside the tree. Deleting it is
# always safe: the next run makes it anew.
# shellcheck disable=SC2034 # used by the scripts that source this file
cache=${KVM_AET_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kvm-aet}

# depmod is there, which "su" without "-" leaves out.
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "${0##*/}: $*" >&2
	exit "${die_status:-1}"
}

# Progress goes to stderr: stdout belongs to results.
say()
{
	echo "${0##*/}: $*" >&2
}

apt_update()
{
	[ "$(id -u)" = 0 ] ||
		die "the package lists are missing or old: run 'apt-get update' as root first"
	say "apt-get update"
	apt-get -qq update </dev/null >&2 ||
		die "apt-get update failed: check the network and /etc/apt/sources.list"
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# What building controller/ takes.
# shellcheck disable=SC2034 # used by the scripts that source this file
controller_packages="libinih-dev libjansson-dev libmicrohttpd-dev libncurses-dev
	libsmartcols-dev libsystemd-dev libvirt-dev libxml2-dev libzstd-dev pkg-config"

# need_packages PKG...: install the Debian packages that are lacking.
need_packages()
{
	local pkg
	local -a lacking=()

	command -v apt-get >/dev/null ||
		die "this needs Debian 12 with apt-get; by hand, install: $*"
	for pkg; do
		is_installed "$pkg" || lacking+=("$pkg")
	done
	[ ${#lacking[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "as root, run first: apt-get install ${lacking[*]}"
	install_packages "${lacking[@]}"
}

# apt's locks do not cover the package lists, so two first runs at the same
# time would trip over each other without a lock of our own.
install_packages()
{
	local log fd

	mkdir -p "$cache"
	log=$(mktemp)
	exec {fd}>"$cache/apt.lock"
	flock "$fd"
	say "installing $*"
	if ! apt_install "$@" >"$log" 2>&1; then
		apt_update
		apt_install "$@" >"$log" 2>&1 || {
			tail -n 20 "$log" >&2
			die "apt-get install failed, see the lines above: $*"
		}
	fi
	rm -f "$log"
	exec {fd}>&-
}

apt_install()
{
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 \
		install --no-install-recommends "$@" </dev/null
}

# download_packages DIR PKG[=VERSION]...: put the .deb files there.
download_packages()
{
	local dir=$1
	shift

	# apt's own user could not write there.
	(cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$@" \
		</dev/null >&2)
}

# package_field PKG FIELD: a field of the newest version apt knows of.
package_field()
{
	apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n "s/^$2: //p"
}

# cache_dir NAME: the path of a cache entry. An entry exists complete or not at
# all: fill "$(cache_tmp)" under cache_lock NAME, then cache_commit TMP NAME.
cache_dir()
{
	echo "$cache/$1"
}

# cache_lock NAME: one builder of NAME at a time, until cache_unlock or exit.
cache_lock()
{
	mkdir -p "$cache/$(dirname "$1")" ||
		die "cannot write to the cache: set KVM_AET_CACHE to a directory of yours"
	exec {cache_lock_fd}>"$cache/$1.lock"
	flock "$cache_lock_fd"
}

# Children started later must not inherit the lock: they may run for long.
cache_unlock()
{
	exec {cache_lock_fd}>&-
}

cache_tmp()
{
	mkdir -p "$cache/tmp"
	mktemp -d "$cache/tmp/XXXXXX"
}

cache_commit()
{
	chmod 755 "$1"
	mv -T "$1" "$cache/$2"
}

# kernel_source 6.12|6.1: have Debian's source of that kernel in the cache; sets
# source_version, and source_tar to the archive. Everything in it is below
# linux-source-SERIES/.
# shellcheck disable=SC2034 # set for the caller
kernel_source()
{
	find_kernel_source "$1" || {
		apt_update
		find_kernel_source "$1" || die "apt knows no linux-source-$1: this needs Debian 12 with its security archive"
	}
	[ ! -e "$source_tar" ] || return 0
	fetch_kernel_source "$1" || {
		# The archive drops old versions: newer lists may name a newer one.
		apt_update
		find_kernel_source "$1"
		fetch_kernel_source "$1" || die "cannot download linux-source-$1: check the network"
	}
}

find_kernel_source()
{
	source_version=$(package_field "linux-source-$1" Version)
	source_tar=$cache/source/$source_version/linux-source-$1.tar.xz
	[ -n "$source_version" ]
}

# With a lock of its own: the caller may hold another in the cache.
fetch_kernel_source()
{
	local tmp fd status=0

	mkdir -p "$cache/source"
	exec {fd}>"$cache/source/$source_version.lock"
	flock "$fd"
	if [ ! -e "$source_tar" ]; then
		tmp=$(cache_tmp)
		say "downloading linux-source-$1 (about 150 MB)"
		if download_packages "$tmp" "linux-source-$1=$source_version"; then
			dpkg-deb -x "$tmp"/*.deb "$tmp/root"
			cache_commit "$tmp/root/usr/src" "source/$source_version"
		else
			status=1
		fi
		rm -r "$tmp"
	fi
	exec {fd}>&-
	return $status
}

# unpacked_source 6.12|6.1: sets source_dir to the whole of that source in the
# cache. It is everybody's: build elsewhere.
unpacked_source()
{
	local tmp fd

	kernel_source "$1"
	source_dir=${source_tar%.tar.xz}
	[ ! -d "$source_dir" ] || return 0
	exec {fd}>"$cache/source/$source_version.lock"
	flock "$fd"
	if [ ! -d "$source_dir" ]; then
		tmp=$(cache_tmp)
		say "unpacking linux-source-$1 (1.6 GB)"
		tar -xf "$source_tar" -C "$tmp" --strip-components=1
		cache_commit "$tmp" "${source_dir#"$cache/"}"
	fi
	exec {fd}>&-
}

# hash_of FILE...: a short name for the contents of these files.
hash_of()
{
	cat "$@" | sha256sum | cut -c1-16
}

# link_linux SOURCE TREE: make TREE a Linux source tree that takes this one in, as
# its makers would: as drivers/misc/kvm-aet, by a line in two files there. All
# but these two files are links, so build with O=, and nowhere but below TREE.
link_linux()
{
	local source=$1 tree=$2 file here

	here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

	mkdir -p "$tree/drivers/misc"
	for file in "$source"/* "$source"/drivers/*; do
		[ -e "$tree/${file#"$source/"}" ] || ln -s "$file" "$tree/${file#"$source/"}"
	done
	ln -s "$source"/drivers/misc/* "$tree/drivers/misc"
	ln -s "$(readlink -f "$here/..")" "$tree/drivers/misc/kvm-aet"
	for file in Kconfig Makefile; do
		rm "$tree/drivers/misc/$file"
		cp "$source/drivers/misc/$file" "$tree/drivers/misc"
	done
	sed -i '/^endmenu/i source "drivers/misc/kvm-aet/Kconfig"' \
		"$tree/drivers/misc/Kconfig"
	echo 'obj-y += kvm-aet/' >>"$tree/drivers/misc/Makefile"
	# Not newer than what was built of an equal tree.
	for file in Kconfig Makefile; do
		touch -r "$source/drivers/misc/$file" "$tree/drivers/misc/$file"
	done
}

# linux_tree NAME WORK FILL: as link_linux, WORK/tree, with a build in
# WORK/tree/out that is a copy of the cache's NAME. Being below the source, it
# names all files relative to itself, so a copy of it elsewhere is as good. If it
# is lacking, FILL TREE builds it, in a tree where ours is empty: what is wrong
# with ours does not matter to it. Output goes to WORK/build.log.
linux_tree()
{
	local name=$1 work=$2 fill=$3 dir entry

	dir=$(cache_dir "$name")
	[ -d "$dir" ] || (
		cache_lock "$name"
		[ ! -d "$dir" ] || exit 0
		entry=$(cache_tmp)
		trap 'rm -rf "$entry"' EXIT
		link_linux "$source_dir" "$entry/tree"
		rm "$entry/tree/drivers/misc/kvm-aet"
		mkdir "$entry/tree/drivers/misc/kvm-aet" "$entry/tree/out"
		touch "$entry"/tree/drivers/misc/kvm-aet/{Kconfig,Kbuild}
		logged "$work/build.log" "$fill" "$entry/tree"
		cache_commit "$entry/tree/out" "$name"
	)
	if [ "$(cat "$work/copy-of" 2>/dev/null)" != "$dir" ]; then
		rm -rf "$work/tree"
		link_linux "$source_dir" "$work/tree"
		cp -a "$dir" "$work/tree/out"
		echo "$dir" >"$work/copy-of"
	fi
	# Make compares times, but a file of ours may be older than an object
	# that was made from another version of it.
	rm -rf "$work/tree/out/drivers/misc/kvm-aet"
}

# logged LOG COMMAND...: run it; if it fails, show the end of its output and die.
logged()
{
	local log=$1

	shift
	"$@" >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		die "failed, see the lines above: $*"
	}
}

# module_order NAME: the module of $kernel and what it depends on, in loading
# order, as paths below modules/. Nothing for a built-in one.
# shellcheck disable=SC2154 # the caller sets $kernel
module_order()
{
	local file

	file=$(grep -E "/$1\.ko(\.xz)?:" "$kernel/modules/modules.dep") || return 0
	# modules.dep names the last one to load first.
	echo "${file%%:*} ${file#*:}" | tr -s ' ' '\n' | sed '/^$/d' | tac
}

# add_modules DIR LIST NAME...: put the modules of $kernel into DIR, and their
# loading order into DIR/modules.LIST.
add_modules()
{
	local dir=$1 list=$1/modules.$2 name path file
	shift 2

	: >"$list"
	for name; do
		for path in $(module_order "$name"); do
			file=$(basename "$path" .xz)
			grep -qxF "$file" "$list" && continue
			echo "$file" >>"$list"
			case $path in
			*.xz) xz -dc "$kernel/modules/$path" >"$dir/$file" ;;
			*) cp "$kernel/modules/$path" "$dir/$file" ;;
			esac
		done
	done
}

# add_busybox ROOT: busybox, its applets, and the folders an /init expects.
add_busybox()
{
	local applet

	mkdir -p "$1"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,tmp,run,etc,root}
	cp /bin/busybox "$1/bin/busybox"
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
	done
}

# add_files DIR FILE[:NAME]...: copy the files there, executable.
add_files()
{
	local dir=$1 file
	shift

	for file; do
		case $file in
		*:*) install -D -m 755 "${file%%:*}" "$dir/${file#*:}" ;;
		*) install -D -m 755 "$file" "$dir/$(basename "$file")" ;;
		esac
	done
}

# pack_cpio DIR: an initramfs of what is in there, to stdout. The same input
# gives the same bytes. Uncompressed: unpacking costs more in emulation than
# reading does.
pack_cpio()
{
	(cd "$1" && find . -mindepth 1 -exec touch -h -d @0 {} + &&
		find . -mindepth 1 | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible)
}

# build_module 6.12|6.1|debug: build the kernel module for a kernel of the lab.
# From the top of the tree, as module() is.
# shellcheck disable=SC2154 # the caller sets $here
build_module()
{
	local kernel

	kernel=$("$here/lab-kernel" "$1")
	make -s -C kvm-aet KDIR="$kernel/build" VMLINUX="$kernel/vmlinux" \
		KVM_KO="$kernel/modules/kernel/arch/x86/kvm/kvm.ko"
}

# module 6.12|6.1|debug: the path of what build_module() made.
module()
{
	local kernel

	kernel=$("$here/lab-kernel" "$1")
	echo "build/kvm-aet-$(<"$kernel/release")/kvm-aet.ko"
}

# wait_for SECONDS COMMAND...: until it succeeds; 1 if the time is over.
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		# Each try costs an emulated host what its guests lack.
		sleep 0.5
	done
}

# In a lab host: the trackers that the module knows, by its sessions' directories.
nr_sessions()
{
	find /sys/kernel/debug/kvm-aet -mindepth 1 -maxdepth 1 -name '*-*' | wc -l
}

# has_sessions NUMBER
has_sessions()
{
	[ "$(nr_sessions)" = "$1" ]
}

# has_ended PID
has_ended()
{
	! kill -0 "$1" 2>/dev/null
}

# What a guest shows on its console when it was harmed: for grep -aE.
# shellcheck disable=SC2034 # used by the scripts that source this file
readonly GUEST_HARM='memcheck: WRONG|guest: exit|Oops|BUG:|Kernel panic'

# A guest boots in 10 s in an emulated host; one that is not up by then hangs.
readonly GUEST_BOOT_S=90

# boot_until_up BOOT IS_UP IS_RUNNING: some guests hang in an emulated host while
# they boot, with one lock of their kernel taken twice. So BOOT, and if IS_UP has not
# succeeded in time, BOOT again, which ends what runs still; three times at most.
# 1 if that did not help, or as soon as IS_RUNNING fails.
boot_until_up()
{
	local boot=$1 is_up=$2 is_running=$3 end try

	for try in 1 2 3; do
		[ "$try" = 1 ] || say "the guest hangs while it boots; once more"
		"$boot"
		end=$((SECONDS + GUEST_BOOT_S))
		while [ "$SECONDS" -lt "$end" ]; do
			! "$is_up" || return 0
			"$is_running" || return 1
			sleep 0.5
		done
	done
	return 1
}

# A page trap takes an emulated host about 30 us and real hardware 1 to 2, but
# the guest's timer ticks on time: it would tick every 100 traps, and each tick
# touches about as many pages as the hot set holds. So tick slower by the same
# factor. KVM limits the frequency of periodic timers, and the guest is told to
# use one. Its clock does not count ticks and stays right.
readonly GUEST_TICK_US=80000
# shellcheck disable=SC2034 # for who boots a guest
readonly GUEST_TICK_ARGUMENTS="nohz=off highres=off lapic=notscdeadline"

# slow_guest_ticks: in a lab host, for guests with these arguments.
slow_guest_ticks()
{
	echo $GUEST_TICK_US >/sys/module/kvm/parameters/min_timer_period_us ||
		die "no kvm.min_timer_period_us: is this a lab host?"
}
