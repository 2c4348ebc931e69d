/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: JSON messages, one per line, in the manner of QMP.
 *
 *	server: {"kvm-aetd": {"version": "0.1.0", "schema": 1}}
 *	client: {"execute": "query-tick", "arguments": {...}, "id": any}
 *	server: {"return": {...}, "id": any}
 *	    or: {"error": {"class": "NotFound", "desc": "one line"}, "id": any}
 *
 * Commands:
 *	query-status		mode, policy, uri, connection, since when, problems
 *	query-tick		the last tick, as recording_tick_to_json()
 *	query-history		{"uuid"}: past decisions about one VM, oldest first
 *	subscribe		the same as query-tick, then {"event": "tick", ...}
 *	set-mode		{"mode": "observe|advise|act"}: of the host, until
 *				the daemon ends or reloads
 *	set-policy		{"uuid", "min-bytes", "max-bytes", "weight", "mode"}:
 *				into the VM's metadata; null takes away
 *	set-rate		{"uuid", "inverse-rate"}: null: as configured
 *	reload			as SIGHUP: {"return": {}} or an error of the file
 *	record-start, record-stop	{"path"}
 *	log-level		{"level": "info|debug"}
 *
 * Only who may open the socket may do any of it: mode 0660 and a group.
 * Slow or flooding clients are cut off; none can make the daemon wait.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#define CONTROL_SOCKET "/run/kvm-aet/control"
#define CONTROL_SCHEMA 1
#define CONTROL_MAX_MESSAGE_BYTES (1 << 16)

#endif /* DAEMON_CONTROL_H */
