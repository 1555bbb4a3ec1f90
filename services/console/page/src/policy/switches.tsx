/** The grants as a table with a switch in each row, for who does not want to read JSON. A switch edits the text. */
import { useMemo } from 'react';
import { Empty, lastSegment } from '../design/index.ts';
import { GrantSwitch } from './grant-switch.tsx';
import { type Grant, type GrantRow, readGrants, rowsOf } from './grants.ts';
import { usePolicy } from './policy-store.ts';

const NONE: readonly Grant[] = [];

export function Switches() {
  const base = usePolicy((policy) => policy.base?.text ?? '');
  const draft = usePolicy((policy) => policy.draft);
  const known = usePolicy((policy) => policy.known);
  const rows = useMemo(() => {
    const drafted = readGrants(draft);
    return drafted === undefined ? undefined : rowsOf(readGrants(base) ?? NONE, drafted, known);
  }, [base, draft, known]);
  if (rows === undefined) {
    return (
      <Empty title="The text can’t be read as grants at present">
        <p>Put it right as JSON, or discard your edits.</p>
      </Empty>
    );
  }
  return (
    <div className="policy-services">
      {servicesOf(rows).map((self) => (
        <Service key={self} self={self} rows={rows.filter((row) => row.self === self)} />
      ))}
    </div>
  );
}

const servicesOf = (rows: readonly GrantRow[]) => [...new Set(rows.map(({ self }) => self))];

function Service({ self, rows }: { readonly self: string; readonly rows: readonly GrantRow[] }) {
  return (
    <table className="table policy-table">
      <caption title={self}>Who may call {lastSegment(self)}</caption>
      <thead>
        <tr>
          <th scope="col">Caller</th>
          <th scope="col">May use</th>
          <th scope="col" data-align="end">
            Allowed
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <GrantSwitch key={row.key} row={row} first={rows[index - 1]?.peer !== row.peer} />
        ))}
      </tbody>
    </table>
  );
}
