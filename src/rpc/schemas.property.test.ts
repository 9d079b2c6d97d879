import { describeJson, untyped } from '../ledger/testing/decoder-laws.ts';
import { builtinMethods } from './builtin.ts';
import { JSON_SHAPE_NAME } from './json.ts';
import { topics } from './topics.ts';

/** Whether a shape holds JSON that is passed on as it is: it has no values of its own to make. */
function isFree(shape: unknown): boolean {
  return JSON.stringify(shape).includes(`"name":"${JSON_SHAPE_NAME}"`);
}

const codecs = untyped({
  ...Object.fromEntries(
    Object.entries(builtinMethods()).flatMap(([name, { params, result }]) => [
      [`${name} params`, params],
      [`${name} result`, result],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(topics).flatMap(([name, { params, event }]) => [
      [`topic ${name} params`, params],
      [`topic ${name} event`, event],
    ]),
  ),
});

for (const [name, codec] of Object.entries(codecs)) {
  if (!isFree(codec.shape)) describeJson(name, codec, 20);
}
