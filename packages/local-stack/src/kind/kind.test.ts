import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runKind } from './kind.ts';

async function kind(...args: readonly string[]) {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  return { code: await runKind({ args, env: {}, print: say, printError: say }), said: said.join('\n') };
}

describe('wrong use is answered with the usage, and nothing is done', () => {
  for (const [args, message] of [
    [[], /a command is needed/],
    [['rotate-all'], /no command "rotate-all"/],
    [['rogue'], /no command "rogue"/],
    [['rogue', 'add', 'twice'], /no command "rogue add twice"/],
    [['order', '--via', 'https'], /--via must be http or grpc, got "https"/],
    [['load', '--seconds', '601'], /--seconds must be from 1 to 600, got "601"/],
    [['load', '--rate', '0'], /--rate must be from 1 to 50/],
    [['load', '--rate', 'x'], /--rate must be from 1 to 50/],
    [['up', '--force'], /--force/],
  ] as const)
    it(args.join(' ') || '(nothing)', async () => {
      const { code, said } = await kind(...args);
      assert.equal(code, 2);
      assert.match(said, message);
      assert.match(said, /usage: npm run kind/);
    });
});
