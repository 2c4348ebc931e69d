/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, in the system "kvm_aet". vm_pid is the VM's process. They tell
 * what pages a guest uses; tracefs belongs to root alone.
 */
/* Laid out as all trace events are, which no formatter knows. */
/* clang-format off */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_aet

#if !defined(KVM_AET_AET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVM_AET_AET_TRACE_H

#include <linux/tracepoint.h>

#include "aet.h"

TRACE_DEFINE_ENUM(AET_RECORDED);
TRACE_DEFINE_ENUM(AET_ALREADY_HOT);
TRACE_DEFINE_ENUM(AET_NOT_SAMPLED);
TRACE_DEFINE_ENUM(AET_NO_ROOM);

#define aet_show_outcome(outcome)                                         \
	__print_symbolic(outcome, { AET_RECORDED, "recorded" },           \
			 { AET_ALREADY_HOT, "already-hot" },              \
			 { AET_NOT_SAMPLED, "not-sampled" },              \
			 { AET_NO_ROOM, "no-room" })

/* One access; reuse_time 0: the unit's first; both times 0: not recorded. */
TRACE_EVENT(kvm_aet_trap,
	TP_PROTO(pid_t vm_pid, int vcpu_id, u64 gfn, enum aet_outcome outcome,
		 u64 time, u64 reuse_time, bool is_write, bool is_first_touch),
	TP_ARGS(vm_pid, vcpu_id, gfn, outcome, time, reuse_time, is_write,
		is_first_touch),
	TP_STRUCT__entry(
		__field(u64, gfn)
		__field(u64, time)
		__field(u64, reuse_time)
		__field(pid_t, vm_pid)
		__field(int, vcpu_id)
		__field(int, outcome)
		__field(bool, is_write)
		__field(bool, is_first_touch)
	),
	TP_fast_assign(
		__entry->gfn = gfn;
		__entry->time = time;
		__entry->reuse_time = reuse_time;
		__entry->vm_pid = vm_pid;
		__entry->vcpu_id = vcpu_id;
		__entry->outcome = outcome;
		__entry->is_write = is_write;
		__entry->is_first_touch = is_first_touch;
	),
	TP_printk("vm_pid=%d vcpu=%d gfn=0x%llx %s time=%llu reuse_time=%llu%s%s",
		  __entry->vm_pid, __entry->vcpu_id, __entry->gfn,
		  aet_show_outcome(__entry->outcome), __entry->time,
		  __entry->reuse_time, __entry->is_write ? " write" : "",
		  __entry->is_first_touch ? " first-touch" : "")
);

/* A pass armed leaves in [gfn_start, gfn_end). */
TRACE_EVENT(kvm_aet_arm,
	TP_PROTO(pid_t vm_pid, u64 gfn_start, u64 gfn_end, u32 armed),
	TP_ARGS(vm_pid, gfn_start, gfn_end, armed),
	TP_STRUCT__entry(
		__field(u64, gfn_start)
		__field(u64, gfn_end)
		__field(pid_t, vm_pid)
		__field(u32, armed)
	),
	TP_fast_assign(
		__entry->gfn_start = gfn_start;
		__entry->gfn_end = gfn_end;
		__entry->vm_pid = vm_pid;
		__entry->armed = armed;
	),
	TP_printk("vm_pid=%d gfn=0x%llx-0x%llx armed=%u", __entry->vm_pid,
		  __entry->gfn_start, __entry->gfn_end, __entry->armed)
);

TRACE_EVENT(kvm_aet_pass,
	TP_PROTO(pid_t vm_pid, u64 generation,
		 const struct aet_pass_stats *stats, int error),
	TP_ARGS(vm_pid, generation, stats, error),
	TP_STRUCT__entry(
		__field(u64, generation)
		__field(u64, sampled_pages)
		__field(u64, mapped_pages)
		__field(pid_t, vm_pid)
		__field(int, error)
		__field(bool, is_starved)
	),
	TP_fast_assign(
		__entry->generation = generation;
		__entry->sampled_pages = stats->sampled_pages;
		__entry->mapped_pages = stats->mapped_pages;
		__entry->vm_pid = vm_pid;
		__entry->error = error;
		__entry->is_starved = stats->is_starved;
	),
	TP_printk("vm_pid=%d generation=%llu sampled_pages=%llu mapped_pages=%llu%s error=%d",
		  __entry->vm_pid, __entry->generation, __entry->sampled_pages,
		  __entry->mapped_pages, __entry->is_starved ? " starved" : "",
		  __entry->error)
);

/* Rotation replaced a sampled unit by another of its group. */
TRACE_EVENT(kvm_aet_rotate,
	TP_PROTO(pid_t vm_pid, u64 gfn, u32 units),
	TP_ARGS(vm_pid, gfn, units),
	TP_STRUCT__entry(
		__field(u64, gfn)
		__field(pid_t, vm_pid)
		__field(u32, units)
	),
	TP_fast_assign(
		__entry->gfn = gfn;
		__entry->vm_pid = vm_pid;
		__entry->units = units;
	),
	TP_printk("vm_pid=%d region=0x%llx units=%u", __entry->vm_pid,
		  __entry->gfn, __entry->units)
);

TRACE_EVENT(kvm_aet_generation,
	TP_PROTO(pid_t vm_pid, u64 generation,
		 const struct aet_record_config *config),
	TP_ARGS(vm_pid, generation, config),
	TP_STRUCT__entry(
		__field(u64, generation)
		__field(pid_t, vm_pid)
		__field(u32, inverse_rate)
		__field(u32, hot_pages)
		__field(u32, rotate_passes)
	),
	TP_fast_assign(
		__entry->generation = generation;
		__entry->vm_pid = vm_pid;
		__entry->inverse_rate = config->inverse_rate;
		__entry->hot_pages = config->hot_pages;
		__entry->rotate_passes = config->rotate_passes;
	),
	TP_printk("vm_pid=%d generation=%llu inverse_rate=%u hot_pages=%u rotate_passes=%u",
		  __entry->vm_pid, __entry->generation, __entry->inverse_rate,
		  __entry->hot_pages, __entry->rotate_passes)
);

TRACE_EVENT(kvm_aet_snapshot,
	TP_PROTO(pid_t vm_pid, const struct kvm_aet_snapshot *snapshot),
	TP_ARGS(vm_pid, snapshot),
	TP_STRUCT__entry(
		__field(u64, generation)
		__field(u64, accesses)
		__field(u64, traps)
		__field(pid_t, vm_pid)
	),
	TP_fast_assign(
		__entry->generation = snapshot->generation;
		__entry->accesses = snapshot->accesses;
		__entry->traps = snapshot->traps;
		__entry->vm_pid = vm_pid;
	),
	TP_printk("vm_pid=%d generation=%llu accesses=%llu traps=%llu",
		  __entry->vm_pid, __entry->generation, __entry->accesses,
		  __entry->traps)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE aet_trace
#include <trace/define_trace.h>
