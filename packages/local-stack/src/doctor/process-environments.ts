/** The environments that the services of a running system really have, where the system shows them (Linux). */
import { readFileSync } from 'node:fs';
import { commandLineOf } from '../process-identity.ts';
import type { EnvironmentFacts } from './facts.ts';

const SERVICE = /\/services\/([a-z-]+)\/src\/main\.ts/;

/** Of each service below a process. What this user may not see is left out. */
export function processEnvironments(pid: number): EnvironmentFacts[] {
  return childrenOf(pid).flatMap((child) => [...environmentOf(child), ...processEnvironments(child)]);
}

function environmentOf(pid: number): EnvironmentFacts[] {
  const name = SERVICE.exec(commandLineOf(pid))?.[1];
  if (name === undefined) return [];
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]);
    return [{ subject: name, env: Object.fromEntries(entries) }];
  } catch {
    return [];
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text
      .split(' ')
      .filter((part) => part !== '')
      .map(Number);
  } catch {
    return [];
  }
}
