// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first hook replaces a function of KVM for one call, as live patching does:
 * the ftrace trampoline "returns" into aet_resume_guest(), which tells the
 * function's caller that the guest is to be resumed. The second one only looks
 * on, and corrects what KVM is about to read.
 *
 * They are ftrace and not kprobes because kprobes can be switched off at run
 * time (debugfs kprobes/enabled, kernel.ftrace_enabled), and then nobody would
 * disarm an armed leaf. With FTRACE_OPS_FL_PERMANENT the kernel refuses to
 * switch ftrace off.
 */
#undef pr_fmt
#define pr_fmt(fmt) "kvm-aet: " fmt

#include <asm/hypervisor.h>
#include <asm/vmx.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "kvm_compat.h"
#include "kvm_hook.h"
#include "kvm_layout.h" /* generated: offsets in KVM's private structures */
#include "kvm_port.h"

static int notrace aet_resume_guest(void)
{
	return 1;
}

/* Every fault of a guest: EPT violation and misconfiguration, NPF, #PF. */
static void notrace page_fault_handler(unsigned long ip,
				       unsigned long parent_ip,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *fregs)
{
	struct pt_regs *regs = aet_compat_regs(fregs);

	/* No recursion guard: only exit handlers call the hooked function. */
	if (aet_trap((struct kvm_vcpu *)regs->di, regs->si, regs->dx))
		regs->ip = (unsigned long)aet_resume_guest;
}

/* Without SAVE_REGS: arguments suffice, and the rest costs every guest. */
static struct ftrace_ops page_fault_ops = {
	.func = page_fault_handler,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/*
 * May be called again for the same ops: the new filter replaces the old one.
 * ftrace_free_filter() leaves dangling pointers, so it comes last of all.
 */
static int install(struct ftrace_ops *ops, unsigned long target,
		   const char *name)
{
	int err;

	err = ftrace_set_filter_ip(ops, target, 0, 1);
	if (!err)
		err = register_ftrace_function(ops);
	if (err)
		pr_err("cannot hook %s(): %d%s\n", name, err,
		       err == -EBUSY ?
			       " (live-patched, or kernel.ftrace_enabled is 0)" :
			       "");
	return err;
}

/*
 * Intel only. When the CPU itself touches an armed page while it delivers an
 * event (pushes to the stack, reads the IDT), the EPT misconfiguration arrives
 * with "vectoring information", and vmx_handle_exit() takes it for an event
 * delivered from MMIO: KVM_INTERNAL_ERROR_DELIVERY_EV, and the VM is stopped
 * before kvm_mmu_page_fault() could be hooked. Likewise a misconfiguration in
 * an SGX enclave gets the guest a #UD. EPT violations are exempt, but one
 * cannot be had without taking W from the leaf.
 *
 * So in those two cases, and only if no MMIO is there, KVM is made to see a plain
 * misconfiguration: in its copies of the two fields, which each exit writes anew.
 * It has queued the interrupted event again by now (vmx_complete_interrupts()),
 * so to resume delivers it once more. All else must be left to KVM: before
 * anything, vmx_handle_exit() empties the log of page modifications, and a vCPU
 * that goes to user space next must not take that along.
 */
#define VMX_FIELD(vcpu, field) ((u32 *)((char *)(vcpu) + AET_VCPU_VMX_##field))
#define VMX_ENCLAVE_MODE BIT(27)

/* A kvm_vcpu is where its vcpu_vmx begins. */
static_assert(AET_VCPU_VMX_VCPU == 0);

static bool read_guest_physical_address(u64 *ret_gpa)
{
	bool is_ok;

	/* The vCPU's VMCS is current: preemption reloads it. */
	asm volatile("vmread %2, %0"
		     : "=rm"(*ret_gpa), "=@cca"(is_ok)
		     : "r"((u64)GUEST_PHYSICAL_ADDRESS)
		     : "cc");
	return is_ok;
}

/*
 * The page may become MMIO right after we looked: then KVM emulates whichever
 * instruction was interrupted, and delivers the event after it.
 */
static void prepare_vmx_exit(struct kvm_vcpu *vcpu)
{
	u32 *reason = VMX_FIELD(vcpu, EXIT_REASON);
	u32 *vectoring = VMX_FIELD(vcpu, IDT_VECTORING_INFO);
	u64 gpa;

	/* Bits 16 to 30 modify it: in an enclave, after a bus lock. */
	if ((u16)*reason != EXIT_REASON_EPT_MISCONFIG ||
	    (*reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return;
	if (!(*reason & VMX_ENCLAVE_MODE) &&
	    !(*vectoring & VECTORING_INFO_VALID_MASK))
		return;
	if (!read_guest_physical_address(&gpa) ||
	    !aet_port_may_be_ept_trap(vcpu, gpa))
		return;
	*reason &= ~VMX_ENCLAVE_MODE;
	*vectoring &= ~VECTORING_INFO_VALID_MASK;
}

static void notrace vmx_exit_handler(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops,
				     struct ftrace_regs *fregs)
{
	prepare_vmx_exit((struct kvm_vcpu *)aet_compat_regs(fregs)->di);
}

static struct ftrace_ops vmx_exit_ops = {
	.func = vmx_exit_handler,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

static DEFINE_MUTEX(vmx_mutex);
static bool is_vmx_hooked;

/* Not exported. A probe that is never enabled finds it without patching. */
static unsigned long find_vmx_handle_exit(void)
{
	struct kprobe probe = {
		.symbol_name = "vmx_handle_exit",
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long address;

	if (register_kprobe(&probe))
		return 0;
	address = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return address;
}

static void hook_vmx(void)
{
	unsigned long target;

	/* Under Hyper-V, KVM's VMCS may not be one that vmread can read. */
	if (!boot_cpu_has(X86_FEATURE_VMX) ||
	    hypervisor_is_type(X86_HYPER_MS_HYPERV))
		return;
	mutex_lock(&vmx_mutex);
	target = find_vmx_handle_exit();
	if (!is_vmx_hooked && target)
		is_vmx_hooked =
			!install(&vmx_exit_ops, target, "vmx_handle_exit");
	mutex_unlock(&vmx_mutex);
}

static void unhook_vmx(void)
{
	mutex_lock(&vmx_mutex);
	if (is_vmx_hooked)
		unregister_ftrace_function(&vmx_exit_ops);
	is_vmx_hooked = false;
	mutex_unlock(&vmx_mutex);
}

bool aet_hook_covers_ept(void)
{
	return READ_ONCE(is_vmx_hooked);
}

/*
 * kvm-intel may be reloaded, for another paging mode, while this module stays.
 * Every VM pins it, so no session is there when it goes.
 */
static int module_event(struct notifier_block *block, unsigned long event,
			void *data)
{
	struct module *module = data;

	if (strcmp(module->name, "kvm_intel") != 0)
		return NOTIFY_DONE;
	if (event == MODULE_STATE_LIVE)
		hook_vmx();
	else if (event == MODULE_STATE_GOING)
		unhook_vmx();
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
};

int aet_hook_init(void)
{
	int err;

	err = install(&page_fault_ops, (unsigned long)kvm_mmu_page_fault,
		      "kvm_mmu_page_fault");
	if (err)
		goto free_filter;
	err = register_module_notifier(&module_notifier);
	if (err)
		goto unhook;
	/* If it cannot be, attaching to a VM under EPT says so. */
	hook_vmx();
	return 0;

unhook:
	unregister_ftrace_function(&page_fault_ops);
free_filter:
	ftrace_free_filter(&page_fault_ops);
	return err;
}

void aet_hook_exit(void)
{
	unregister_module_notifier(&module_notifier);
	/*
	 * A vCPU that left the guest on a trap just before its session ended
	 * may have been preempted on its way here, and on Intel it must not
	 * find the hook gone. Wait until every such task has moved on.
	 */
	synchronize_rcu_tasks();
	unhook_vmx();
	/* Waits until no CPU is in the handler or its trampoline. */
	unregister_ftrace_function(&page_fault_ops);
	ftrace_free_filter(&page_fault_ops);
	ftrace_free_filter(&vmx_exit_ops);
}
