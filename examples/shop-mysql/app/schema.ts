/** The tables of the shop and what is in them at first, a statement each. */
export const SCHEMA: readonly string[] = [
  `create table if not exists users (id int auto_increment primary key, name varchar(100) not null unique)`,
  `create table if not exists stock (
    item varchar(40) primary key, price decimal(9,2) not null, left_over int unsigned not null)`,
  `create table if not exists coupons (
    code varchar(20) primary key, percent int not null, used_by int, foreign key (used_by) references users (id))`,
  `create table if not exists orders (
    id int auto_increment primary key, user int not null, item varchar(40) not null, total decimal(9,2) not null,
    status enum('open', 'paid', 'shipped', 'cancelled', 'refunded') not null default 'open',
    foreign key (user) references users (id) on delete cascade, foreign key (item) references stock (item))`,
  `create table if not exists refunds (
    id int auto_increment primary key, order_id int not null, amount decimal(9,2) not null,
    foreign key (order_id) references orders (id) on delete cascade)`,
  `create table if not exists history (
    id int auto_increment primary key, order_id int not null, status varchar(20) not null,
    foreign key (order_id) references orders (id) on delete cascade)`,
  `drop trigger if exists remember_status`,
  `create trigger remember_status after update on orders for each row
    insert into history (order_id, status) values (new.id, new.status)`,
  `insert ignore into stock values ('lamp', 100, 3), ('chair', 250, 1)`,
  `insert ignore into coupons values ('WELCOME', 20, null)`,
]
