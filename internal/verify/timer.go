// This file defines timers, work queues and task work: fields of map values that
// run a callback later.

package verify

import "github.com/skepbpf/skep/internal/catalog"

var timerRules = unknownKfuncs("bpf_wq_init", "bpf_wq_set_callback_impl", "bpf_wq_start", "bpf_task_work_schedule_signal_impl", "bpf_task_work_schedule_resume_impl",
	"bpf_task_work_schedule_signal", "bpf_task_work_schedule_resume")

// checkTimerArg checks the timer that a helper is given.
func (w *walker) checkTimerArg(_ uint8, _ catalog.Arg, m *callMeta) error {
	return w.unsupported("arguments of %s", m.proto.Name)
}

func (w *walker) checkWorkQueueArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("work queue arguments of kfuncs")
}

func (w *walker) checkTaskWorkArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("task work arguments of kfuncs")
}

func (w *walker) checkKfuncCallback(*kfuncCall, *kfuncArg) error {
	return w.unsupported("callback arguments of kfuncs")
}
