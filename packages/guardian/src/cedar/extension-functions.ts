import { asInstance, asString } from './as-type.ts';
import { Datetime } from './datetime.ts';
import { Decimal } from './decimal.ts';
import { Duration } from './duration.ts';
import { EvaluationError } from './evaluation-error.ts';
import { IpAddress } from './ip-address.ts';
import type { Value } from './value.ts';

/** A function or method of Cedar's extensions; a method takes what it is called on as its first argument. */
export type ExtensionFunction = (args: readonly Value[]) => Value;

/** By Cedar's names. Cedar takes a call with too few or too many arguments for an error of the policy, not of the text. */
export const extensionFunctions: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['decimal', unary((text) => Decimal.parse(asString(text)))],
  ['lessThan', onDecimals((left, right) => left < right)],
  ['lessThanOrEqual', onDecimals((left, right) => left <= right)],
  ['greaterThan', onDecimals((left, right) => left > right)],
  ['greaterThanOrEqual', onDecimals((left, right) => left >= right)],
  ['ip', unary((text) => IpAddress.parse(asString(text)))],
  ['isIpv4', onIp((ip) => ip.bits === 32)],
  ['isIpv6', onIp((ip) => ip.bits === 128)],
  ['isLoopback', onIp((ip) => ip.isLoopback())],
  ['isMulticast', onIp((ip) => ip.isMulticast())],
  ['isInRange', binary((ip, range) => asInstance(IpAddress, ip).isInRange(asInstance(IpAddress, range)))],
  ['datetime', unary((text) => Datetime.parse(asString(text)))],
  ['offset', binary((time, by) => asInstance(Datetime, time).offset(asInstance(Duration, by)))],
  ['durationSince', binary((time, since) => asInstance(Datetime, time).durationSince(asInstance(Datetime, since)))],
  ['toDate', unary((time) => asInstance(Datetime, time).toDate())],
  ['toTime', unary((time) => asInstance(Datetime, time).toTime())],
  ['duration', unary((text) => Duration.parse(asString(text)))],
  ['toMilliseconds', inUnits(1)],
  ['toSeconds', inUnits(1_000)],
  ['toMinutes', inUnits(60_000)],
  ['toHours', inUnits(3_600_000)],
  ['toDays', inUnits(86_400_000)],
]);

function withArity(arity: number, apply: (...args: Value[]) => Value): ExtensionFunction {
  return (args) => {
    if (args.length !== arity) throw new EvaluationError(`a function takes ${arity} arguments and was given ${args.length}`);
    return apply(...args);
  };
}

function unary(apply: (arg: Value) => Value): ExtensionFunction {
  return withArity(1, apply as (...args: Value[]) => Value);
}

function binary(apply: (left: Value, right: Value) => Value): ExtensionFunction {
  return withArity(2, apply as (...args: Value[]) => Value);
}

function onDecimals(compare: (left: Decimal['tenThousandths'], right: Decimal['tenThousandths']) => boolean): ExtensionFunction {
  return binary((left, right) => compare(asInstance(Decimal, left).tenThousandths, asInstance(Decimal, right).tenThousandths));
}

function onIp(test: (ip: IpAddress) => boolean): ExtensionFunction {
  return unary((ip) => test(asInstance(IpAddress, ip)));
}

function inUnits(unitMs: number): ExtensionFunction {
  return unary((duration) => asInstance(Duration, duration).in(unitMs));
}
