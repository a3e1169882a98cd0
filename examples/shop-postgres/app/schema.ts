/** The tables of the shop and what is in them at first. Money is in cents. */
export const SCHEMA = `
  create table if not exists users (id integer generated always as identity primary key, name text not null unique);
  create table if not exists stock (
    item text primary key, price integer not null, left_over integer not null check (left_over >= 0));
  create table if not exists coupons (
    code text primary key, percent integer not null, used_by integer references users on delete set null);

  create sequence if not exists order_numbers;
  create table if not exists orders (
    number text primary key default 'A-' || to_char(nextval('order_numbers'), 'FM0000'),
    "user" integer not null references users on delete cascade, item text not null references stock,
    total integer not null,
    status text not null default 'open' check (status in ('open', 'paid', 'shipped', 'cancelled', 'refunded')));
  create table if not exists refunds (
    id integer generated always as identity primary key,
    order_number text not null references orders on delete cascade, amount integer not null);

  create table if not exists history (
    id integer generated always as identity primary key,
    order_number text not null references orders on delete cascade, status text not null);
  create or replace function remember_status() returns trigger language plpgsql as $$
  begin
    insert into history (order_number, status) values (new.number, new.status);
    return null;
  end $$;
  create or replace trigger remember_status after update of status on orders
    for each row execute function remember_status();

  insert into stock values ('lamp', 10000, 3), ('chair', 25000, 1) on conflict do nothing;
  insert into coupons values ('WELCOME', 20) on conflict do nothing;
`
