// The order page. Whatever comes from the API reaches the document as text nodes alone.
const MAX_ROWS = 50;
const byId = (id) => document.getElementById(id);

function element(name, ...children) {
  const node = document.createElement(name);
  node.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return node;
}

async function getJson(path, options) {
  const response = await fetch(path, options);
  const document_ = await response.json();
  if (!response.ok) throw new Error(explain(document_));
  return document_;
}

function explain(problem) {
  const parts = [problem.detail ?? problem.title ?? 'failed'];
  if (problem.decision_id) parts.push(`decision ${problem.decision_id}`);
  if (problem.trace_id) parts.push(`trace ${problem.trace_id}`);
  return parts.join(' · ');
}

async function showIdentity() {
  const identity = await getJson('/api/identity');
  byId('self').textContent =
    `${identity.spiffe_id}, serial ${identity.serial}, until ${new Date(identity.not_after).toLocaleTimeString()}`;
}

function showOutcome(text, good) {
  const outcome = byId('outcome');
  outcome.textContent = text;
  outcome.className = good ? 'good' : 'bad';
}

function showHops(hops) {
  byId('hops-empty').hidden = hops.length > 0;
  byId('hops').replaceChildren(
    ...hops.map((hop) =>
      element(
        'li',
        element('code', hop.from),
        ' → ',
        element('code', hop.to),
        element('small', [hop.transport, hop.operation, hop.decision, hop.decision_id].filter(Boolean).join(' · ')),
      ),
    ),
  );
}

const seen = new Set();

function addOrder(order, newest) {
  if (seen.has(order.id)) return;
  seen.add(order.id);
  const cells = [
    new Date(order.created_at).toLocaleTimeString(),
    order.item,
    order.quantity,
    order.customer ?? '',
    order.created_by,
  ];
  const row = element('tr', ...cells.map((cell) => element('td', cell)));
  const rows = byId('orders');
  if (newest) rows.prepend(row);
  else rows.append(row);
  while (rows.children.length > MAX_ROWS) rows.lastElementChild.remove();
}

async function placeOrder(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector('button');
  const fields = new FormData(form);
  const body = {
    item: fields.get('item'),
    quantity: Number(fields.get('quantity')),
    customer: fields.get('customer'),
    via: fields.get('via'),
  };
  button.disabled = true;
  try {
    const headers = { 'content-type': 'application/json', 'idempotency-key': newKey() };
    const { order, trace_id, hops } = await getJson('/api/orders', {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    showOutcome(`Order ${order.id} is placed · trace ${trace_id}`, true);
    showHops(hops);
    addOrder(order, true);
  } catch (error) {
    showOutcome(error.message, false);
    showHops([]);
  } finally {
    button.disabled = false;
  }
}

// crypto.randomUUID needs a secure context, which plain HTTP has on localhost alone.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function showOrders() {
  const { orders } = await getJson('/api/orders');
  for (const order of orders) addOrder(order, false);
}

// The stream is opened before the list is read, so that no order falls between the two; what both bring is shown once.
let shown = Promise.resolve();

function follow() {
  const source = new EventSource('/api/orders/stream');
  const feed = byId('feed');
  source.addEventListener(
    'open',
    () => {
      feed.textContent = 'new orders appear here by themselves';
      shown = showOrders().catch((error) => showFeedProblem(error.message));
    },
    { once: true },
  );
  source.addEventListener('order', (event) => {
    const order = JSON.parse(event.data);
    void shown.then(() => addOrder(order, true));
  });
  source.addEventListener('problem', (event) => {
    source.close();
    showFeedProblem(explain(JSON.parse(event.data)));
  });
  source.onerror = () => {
    feed.textContent = 'connecting again…';
    // A browser gives up for good when the answer is not a stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  };
  source.onopen = () => {
    feed.textContent = 'new orders appear here by themselves';
  };
}

function showFeedProblem(text) {
  byId('feed').textContent = text;
}

byId('order').addEventListener('submit', (event) => void placeOrder(event));
showIdentity().catch((error) => {
  byId('self').textContent = error.message;
});
setInterval(() => void showIdentity().catch(() => {}), 15_000);
follow();
