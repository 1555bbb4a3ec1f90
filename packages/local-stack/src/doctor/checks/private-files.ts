/** Keys and the folders of sockets are for their owner alone. */
import type { Check } from '../facts.ts';

/** Others may go through a folder (1), but neither list nor write it (6); a key they may do nothing with. */
const FORBIDDEN = { directory: 0o006, key: 0o007 };

/** By their mode. */
export const privateFiles: Check = {
  name: 'private-files',
  holds: 'keys and state are private',
  run: ({ files }) =>
    files.flatMap(({ path, kind, mode }) => {
      if ((mode & FORBIDDEN[kind]) === 0) return [];
      const evidence = `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: everybody on this machine can use it`;
      const fix = `chmod ${kind === 'key' ? '0600' : '0700'} ${path}, and replace the key or identity if others use this machine.`;
      return [{ status: 'fail', subject: kind, evidence, fix }];
    }),
};
