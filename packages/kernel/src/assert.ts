import type { KernelErrorCode } from "./errors.ts";
import { WeftError } from "./weft-error.ts";

/**
 * Always on: checks a rule of the program, at doors and at state transitions. A failed assertion is
 * a bug and ends the worker, so it never judges what came from the network or from a user.
 *
 * On hot paths pass a constant `message`: a template would be built on every call.
 *
 * @throws WeftError KERNEL_ASSERTION_FAILED
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) fail(message);
}

/**
 * Ends the program's current path: what should hold does not. The form of `assert` for code that has
 * already branched, so that the message can carry values without a cost when all is well.
 *
 * @throws WeftError KERNEL_ASSERTION_FAILED
 */
export function fail(message: string, details?: Record<string, unknown>): never {
  throw new WeftError<KernelErrorCode>("KERNEL_ASSERTION_FAILED", `Assertion failed: ${message}`, details);
}

/**
 * The last branch of an exhaustive `switch` over a union: it does not compile while a case is
 * missing, and throws if a value from outside the types arrives all the same.
 *
 * @throws WeftError KERNEL_ASSERTION_FAILED
 */
export function unreachable(value: never): never {
  fail(`this value was thought impossible: ${String(value)}`);
}

/**
 * Checks an option of a kernel object as it is created. Not for hot paths.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when `value` is not a finite number in `[min, max]`
 */
export function assertRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max && Number.isFinite(value)) return;
  throw new WeftError<KernelErrorCode>(
    "KERNEL_INVALID_ARGUMENT",
    `Cannot use ${name} = ${value}: expected a number from ${min} to ${max}`,
    { name, value, min, max },
  );
}

/**
 * As `assertRange`, for counts and sizes.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when `value` is not an integer in `[min, max]`
 */
export function assertInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new WeftError<KernelErrorCode>(
    "KERNEL_INVALID_ARGUMENT",
    `Cannot use ${name} = ${value}: expected an integer from ${min} to ${max}`,
    { name, value, min, max },
  );
}
