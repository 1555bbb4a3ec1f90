-- Orders, the idempotency keys of the calls that placed them, and who may do what. Run by orders_owner.

-- Up Migration

-- Nobody has rights by default: each role gets what it needs below, and what it lacks PostgreSQL itself refuses.
DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$;
DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO orders_rw, orders_ro', current_database()); END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO orders_rw;

CREATE SEQUENCE order_places AS bigint;

CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT uuidv7(),
  item text NOT NULL CHECK (char_length(item) BETWEEN 1 AND 200),
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
  customer text NOT NULL CHECK (char_length(customer) BETWEEN 1 AND 200),
  status text NOT NULL DEFAULT 'placed' CHECK (status IN ('placed')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 2048),
  place bigint NOT NULL UNIQUE
);
COMMENT ON COLUMN orders.created_by IS 'SPIFFE ID of the verified caller, never a value from a request';
COMMENT ON COLUMN orders.place IS 'Position in the order of commits: a reader that has seen place n will never see a smaller one appear';

-- A sequence alone would not do: number 7 may be committed after number 8, and a stream that resumes after 8 would never
-- show 7. The lock is held from taking the number until the commit. It costs little: pg_notify makes commits wait for each
-- other anyway.
CREATE FUNCTION take_place() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  PERFORM pg_advisory_xact_lock('public.orders'::regclass::oid::bigint);
  NEW.place := nextval('public.order_places');
  RETURN NEW;
END $$;

CREATE FUNCTION announce_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  -- Delivered at commit. Carries no data: whoever listens reads what it may read.
  PERFORM pg_notify('orders', '');
  RETURN NULL;
END $$;

CREATE TRIGGER take_place BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION take_place();
CREATE TRIGGER announce_order AFTER INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION announce_order();

CREATE TABLE idempotency_keys (
  origin text NOT NULL CHECK (char_length(origin) BETWEEN 1 AND 2048),
  key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 128),
  request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
  order_id uuid NOT NULL DEFAULT uuidv7() REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (origin, key)
);
COMMENT ON TABLE idempotency_keys IS 'Kept as long as its order, so a repeated call never places a second one; scoped by verified caller';

GRANT SELECT, INSERT ON orders, idempotency_keys TO orders_rw;
GRANT USAGE ON SEQUENCE order_places TO orders_rw;

-- The read-only role sees orders without the customer's name. The view stands in a schema of the role's own name, which
-- PostgreSQL searches first: the same SELECT ... FROM orders works for both roles and shows each what it may see.
CREATE SCHEMA orders_ro;
CREATE VIEW orders_ro.orders AS
  SELECT id, item, quantity, status, created_at, created_by, place FROM public.orders;
GRANT USAGE ON SCHEMA orders_ro TO orders_ro;
GRANT SELECT ON orders_ro.orders TO orders_ro;
