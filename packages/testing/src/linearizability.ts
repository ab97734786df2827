export { type CheckOptions, checkLinearizable, type Linearizability } from './linearizability/check-linearizable.ts';
export type { Counterexample } from './linearizability/counterexample.ts';
export { type KeyValueInput, keyValueModel } from './linearizability/key-value-model.ts';
export type { SequentialModel } from './linearizability/model.ts';
export type { FinishedOperation, Operation, PendingOperation } from './linearizability/operation.ts';
export { type OperationRecorder, type RecorderOptions, recordOperations } from './linearizability/record-operations.ts';
export { type RegisterInput, type RegisterOutput, registerModel, type Scalar } from './linearizability/register-model.ts';
