/** What the user that this runs as is told: by the control at the first path, and by the agent at the second address. */
import { createStackControlClient, LocalStackError } from '@countersign/local-stack/control';
import { fetchX509Context, SpiffeTlsError } from '@countersign/spiffe-tls';

const [path = '', endpoint = ''] = process.argv.slice(2);

async function askControl(): Promise<string> {
  try {
    return (await createStackControlClient(path).describe()).provider;
  } catch (error) {
    if (error instanceof LocalStackError) return error.code;
    throw error;
  }
}

async function askAgent(): Promise<string> {
  try {
    return String((await fetchX509Context({ endpoint, timeoutMs: 3_000 })).svid.id);
  } catch (error) {
    if (error instanceof SpiffeTlsError) return error.code;
    throw error;
  }
}

console.log(JSON.stringify({ control: await askControl(), svid: await askAgent() }));
