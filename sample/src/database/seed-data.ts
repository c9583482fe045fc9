import type { NewReview } from '../catalogue/inputs.js';
import type { Product } from '../catalogue/product.entity.js';
import type { Review } from '../catalogue/review.entity.js';

type ProductRow = Pick<Product, 'id' | 'name' | 'category' | 'description' | 'priceCents' | 'addedAt'>;
type ReviewRow = NewReview & Pick<Review, 'productId' | 'writtenAt'>;

export const PRODUCTS: ProductRow[] = [
  product(1, 'Oak desk', 'desks', 44_900, '2024-03-11', 'Solid oak on a steel frame, 160 × 80 cm.'),
  product(
    2,
    'Standing desk',
    'desks',
    62_900,
    '2024-09-02',
    'Electric, 62 to 127 cm, remembers four heights.',
  ),
  product(3, 'Corner desk', 'desks', 38_900, '2025-01-20', 'Walnut veneer, fits left and right corners.'),
  product(4, 'Task chair', 'chairs', 28_900, '2023-11-06', 'Mesh back, adjustable arms and lumbar support.'),
  product(5, 'Saddle stool', 'chairs', 17_500, '2024-06-17', 'Keeps the back straight, 54 to 73 cm high.'),
  product(
    6,
    'Reading chair',
    'chairs',
    35_900,
    '2025-04-28',
    'Wool cover, beech legs, a footrest that folds.',
  ),
  product(7, 'Desk lamp', 'lamps', 8_990, '2023-08-14', 'Dimmable, 2,700 to 5,000 K, clamps to any table.'),
  product(8, 'Floor lamp', 'lamps', 14_900, '2024-02-05', 'Indirect light, linen shade, foot switch.'),
  product(9, 'Bookcase', 'storage', 23_900, '2023-05-22', 'Five shelves of 35 kg each, pine.'),
  product(10, 'Drawer unit', 'storage', 12_900, '2024-10-30', 'Three drawers on castors, the top one locks.'),
  product(11, 'Monitor arm', 'accessories', 7_950, '2024-04-08', 'Gas spring, up to 9 kg, VESA 75 and 100.'),
  product(12, 'Desk pad', 'accessories', 3_450, '2025-06-01', 'Felted wool on cork, 90 × 40 cm.'),
];

export const REVIEWS: ReviewRow[] = [
  review(1, 'Mirjam', 5, '2024-04-02', 'Heavy, steady, and the grain is beautiful.'),
  review(1, 'Tomás', 4, '2024-05-19', 'Great desk. Two people should carry it.'),
  review(1, 'Aiko', 5, '2024-08-03', 'Took a coffee spill without a mark after oiling.'),
  review(1, 'Henrik', 3, '2024-11-27', 'Lovely top, but one screw was missing.'),
  review(1, 'Noor', 5, '2025-01-08', 'Replaced a cheaper desk; should have done so earlier.'),
  review(1, 'Pavel', 4, '2025-02-14', 'The frame hums a little when you drum on it.'),
  review(2, 'Ines', 5, '2024-10-11', 'Quiet motors and the memory buttons are handy.'),
  review(2, 'Samuel', 2, '2025-01-30', 'Wobbles at its highest position.'),
  review(2, 'Leila', 4, '2025-03-22', 'My back thanks me. The cable tray is too small.'),
  review(3, 'Jonas', 4, '2025-02-25', 'Fits our odd corner exactly.'),
  review(4, 'Amara', 5, '2023-12-12', 'Eight hours a day for a year, still like new.'),
  review(4, 'Viktor', 4, '2024-07-07', 'Assembly took ten minutes.'),
  review(4, 'Chiara', 3, '2024-09-15', 'Good chair, the arms rattle.'),
  review(5, 'Oskar', 4, '2024-08-21', 'Strange for a week, then you miss it elsewhere.'),
  review(6, 'Fatima', 5, '2025-05-10', 'I read more than before.'),
  review(7, 'Mateo', 5, '2023-09-30', 'Bright, and does not flicker on video calls.'),
  review(7, 'Greta', 4, '2024-01-16', 'The clamp could open wider.'),
  review(8, 'Yusuf', 3, '2024-03-03', 'Warm light; the shade arrived creased.'),
  review(9, 'Hanna', 4, '2023-07-19', 'Holds all my cookbooks.'),
  review(11, 'Diego', 5, '2024-05-05', 'Moves with one finger.'),
  review(11, 'Sofie', 2, '2024-12-20', 'Sinks slowly with a heavy monitor.'),
];

function product(
  id: number,
  name: string,
  category: string,
  priceCents: number,
  added: string,
  description: string,
): ProductRow {
  return { id, name, category, priceCents, description, addedAt: new Date(added) };
}

function review(productId: number, author: string, rating: number, written: string, text: string): ReviewRow {
  return { productId, author, rating, text, writtenAt: new Date(written) };
}
