/** Evaluates a table of `rules.ts` for the first packet of a connection, as far as that file uses nftables. For its test. */

export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
}

type Verdict = 'accept' | 'drop' | 'return';

/** True when the packet is forwarded. Throws on a line that it does not know. */
export function passes(table: string, packet: Packet): boolean {
  const chains = new Map(
    [...table.matchAll(/^ {2}chain (\w+) \{.*\n((?: {4}.*\n)*)/gm)].map(([, name, body]) => [name, body]),
  );
  const pods = /set pods \{.*elements = \{ ([^}]*) \}/.exec(table)?.[1]?.split(', ') ?? [];
  const run = (name: string): Verdict => {
    for (const line of (chains.get(name) ?? '').trim().split('\n')) {
      const verdict = evaluate(line.trim(), packet, pods, run);
      if (verdict !== undefined) return verdict;
    }
    return 'return';
  };
  return run('forward') === 'accept';
}

function evaluate(
  line: string,
  packet: Packet,
  pods: readonly string[],
  run: (chain: string) => Verdict,
): Verdict | undefined {
  if (line.startsWith('type filter hook forward') || line.startsWith('ct state established')) return undefined;
  const map = /^ip (saddr|daddr) vmap \{ (.*) \}$/.exec(line);
  if (map !== null) {
    const address = map[1] === 'saddr' ? packet.from : packet.to;
    const target = map[2]?.split(', ').find((it) => it.startsWith(`${address} : jump `));
    const verdict = target === undefined ? 'return' : run(target.slice(`${address} : jump `.length));
    return verdict === 'return' ? undefined : verdict;
  }
  const [, condition = '', verdict] = /^(.*?) ?(?:counter )?(accept|drop|return)$/.exec(line) ?? [];
  if (verdict !== 'accept' && verdict !== 'drop' && verdict !== 'return') throw new Error(`not understood: ${line}`);
  return holds(condition, packet, pods) ? verdict : undefined;
}

function holds(condition: string, packet: Packet, pods: readonly string[]): boolean {
  let rest = condition.trim();
  while (rest !== '') {
    const [whole, field = '', not = '', value = ''] =
      /^(ip saddr|ip daddr|(?:tcp|udp|sctp) dport|meta l4proto) (!= )?(\S+) ?/.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`not understood: ${condition}`);
    if (isMet(field, value, packet, pods) === (not !== '')) return false;
    rest = rest.slice(whole.length);
  }
  return true;
}

function isMet(field: string, value: string, packet: Packet, pods: readonly string[]): boolean {
  if (field === 'meta l4proto') return packet.protocol === value;
  if (field.endsWith(' dport')) {
    const [first = Number.NaN, last = first] = value.split('-').map(Number);
    return field === `${packet.protocol} dport` && packet.port >= first && packet.port <= last;
  }
  const address = field === 'ip saddr' ? packet.from : packet.to;
  return value === '@pods' ? pods.includes(address) : isWithin(address, value);
}

function isWithin(address: string, block: string): boolean {
  const [network = '', bits = '32'] = block.split('/');
  const shift = 32 - Number(bits);
  return Math.floor(toNumber(address) / 2 ** shift) === Math.floor(toNumber(network) / 2 ** shift);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
