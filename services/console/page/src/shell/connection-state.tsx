/** Whether what is shown is how things are now. */
import { PlugZap } from 'lucide-react';
import { inWords } from '../design/index.ts';
import { useLive, useNow } from '../live/index.ts';

export function ConnectionState() {
  const connection = useLive((live) => live.connection);
  return (
    <span role="status" aria-label="Connection" className={`connection connection-${connection.state}`}>
      {connection.state === 'lost' ? <PlugZap aria-hidden /> : <span aria-hidden className="connection-dot" />}
      {connection.state === 'live' && 'live'}
      {connection.state === 'connecting' && 'connecting…'}
      {connection.state === 'lost' && 'disconnected'}
    </span>
  );
}

/** How long ago the last event came: for the notice, which is not read out each second. */
export function LostFor({ since }: { readonly since: number }) {
  const now = useNow();
  const ahead = useLive((live) => live.clockAheadMs);
  return <>{inWords(now - ahead - since)}</>;
}
