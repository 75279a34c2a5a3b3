/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The debug state of a sandbox as virtualisation hardware keeps it: the VMCS's
 * guest non-register state, SVM's interrupt shadow, FRED's event data. For
 * comparing piotrap with a hypervisor, and for moving a CPU from one to the other.
 */
#ifndef _UAPI_LINUX_PIOTRAP_CONVERT_H
#define _UAPI_LINUX_PIOTRAP_CONVERT_H

#include <linux/piotrap.h>

/* The bit of the VMCS's field that DR6 does not have (S137). */
#define PIOTRAP_VMCS_ENABLED_BREAKPOINT	(1ULL << 12)

#define PIOTRAP_DBG_B			0xfULL
#define PIOTRAP_DBG_BLD			(1ULL << 11)
#define PIOTRAP_DBG_BD			(1ULL << 13)
#define PIOTRAP_DBG_BS			(1ULL << 14)
#define PIOTRAP_DBG_RTM			(1ULL << 16)

/* What XOR turns positive polarity into DR6's (S6). */
#define PIOTRAP_DR6_FLIP		0xffff0ff0ULL

/**
 * struct piotrap_vmcs - fields of the VMCS's guest non-register state
 * @pending_dbg: pending debug exceptions (S137)
 * @interruptibility: interruptibility state
 * @activity: activity state
 */
struct piotrap_vmcs {
	__u64 pending_dbg;
	__u32 interruptibility;
	__u32 activity;
};

/* Which of DR7's breakpoints are enabled, as B bits. */
static inline __u64 piotrap_enabled(__u64 dr7)
{
	__u64 bits = 0;
	unsigned int n;

	for (n = 0; n < 4; n++)
		if (dr7 >> (2 * n) & 3)
			bits |= 1ULL << n;
	return bits;
}

/* TF without BTF: the next boundary brings a step trap. */
static inline int piotrap_stepping(const struct piotrap_regs *regs,
				   const struct piotrap_debug *d)
{
	return regs->rflags >> 8 & 1 && !(d->debugctl & 2);
}

/**
 * piotrap_to_vmcs() - the fields that VM entry would be given
 * @regs: group REGS
 * @d: group DEBUG
 * @v: written; passes the checks of VM entry (S141)
 *
 * A BT that is pending has no place there and is left out.
 */
static inline void piotrap_to_vmcs(const struct piotrap_regs *regs,
				   const struct piotrap_debug *d,
				   struct piotrap_vmcs *v)
{
	__u64 bits = d->pending_dbg & (PIOTRAP_DBG_B | PIOTRAP_DBG_BLD |
				       PIOTRAP_DBG_BS | PIOTRAP_DBG_RTM);

	if (bits & piotrap_enabled(d->dr7))
		bits |= PIOTRAP_VMCS_ENABLED_BREAKPOINT;
	/* In a shadow, and in HLT, BS has to say what TF says. */
	if ((d->interruptibility & 3) || d->activity == 1) {
		bits &= ~PIOTRAP_DBG_BS;
		if (piotrap_stepping(regs, d))
			bits |= PIOTRAP_DBG_BS;
	}
	v->pending_dbg = bits;
	v->interruptibility = d->interruptibility;
	v->activity = d->activity;
}

/**
 * piotrap_from_vmcs() - the other way
 * @v: as VM exit saved them
 * @d: group DEBUG; @pending_dbg, @interruptibility and @activity are written
 *
 * In a MOV SS shadow BS is what VM entry asks for and no trap: the step trap of
 * the MOV SS is lost (S115). B bits alone cause nothing (S138).
 */
static inline void piotrap_from_vmcs(const struct piotrap_vmcs *v,
				     struct piotrap_debug *d)
{
	__u64 bits = v->pending_dbg;

	if (v->interruptibility & 2)
		bits &= ~PIOTRAP_DBG_BS;
	if (!(bits & PIOTRAP_VMCS_ENABLED_BREAKPOINT))
		bits &= ~PIOTRAP_DBG_B;
	d->pending_dbg = bits & (PIOTRAP_DBG_B | PIOTRAP_DBG_BLD |
				 PIOTRAP_DBG_BS | PIOTRAP_DBG_RTM);
	d->interruptibility = v->interruptibility;
	d->activity = v->activity;
}

/**
 * piotrap_vmx_qualification() - exit qualification of a #DB that is intercepted
 * @ev: the event, with PIOTRAP_EVENT_PAYLOAD
 *
 * Return: B3-B0, BLD, BD, BS and RTM (S139).
 */
static inline __u64 piotrap_vmx_qualification(const struct piotrap_event *ev)
{
	return ev->payload & (PIOTRAP_DBG_B | PIOTRAP_DBG_BLD | PIOTRAP_DBG_BD |
			      PIOTRAP_DBG_BS | PIOTRAP_DBG_RTM);
}

/**
 * piotrap_fred_event_data() - what FRED's frame has for an event
 * @ev: the event
 *
 * Return: of #DB the pending bits in positive polarity (S145), of #PF the address,
 * else 0.
 */
static inline __u64 piotrap_fred_event_data(const struct piotrap_event *ev)
{
	if (!(ev->flags & PIOTRAP_EVENT_PAYLOAD))
		return 0;
	return ev->payload;
}

/**
 * piotrap_dr6_merged() - DR6 as it is after a #DB, which is all that SVM shows
 * @dr6: before
 * @payload: of the #DB
 *
 * B3-B0 are the new ones, RTM is set unless the payload has it, the others
 * accumulate (S144, S146).
 *
 * Return: DR6.
 */
static inline __u64 piotrap_dr6_merged(__u64 dr6, __u64 payload)
{
	__u64 old = dr6 ^ PIOTRAP_DR6_FLIP;

	old &= ~(PIOTRAP_DBG_B | PIOTRAP_DBG_RTM);
	return (old | (payload & ~PIOTRAP_VMCS_ENABLED_BREAKPOINT)) ^
	       PIOTRAP_DR6_FLIP;
}

/**
 * piotrap_svm_shadow() - SVM's one bit for both shadows
 * @d: group DEBUG
 *
 * It has none for what is pending: that is lost (S144).
 *
 * Return: 0 or 1.
 */
static inline int piotrap_svm_shadow(const struct piotrap_debug *d)
{
	return !!(d->interruptibility & 3);
}

#endif /* _UAPI_LINUX_PIOTRAP_CONVERT_H */
