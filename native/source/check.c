// Whether a program stays within its memory: words are read once before the first run, so that no run has to look. What lies where an instruction reads, of tables
// alone, is looked at too; indices of stores are looked at as they are used (rows.c).
#include "bounds.h"
#include "calls.h"
#include "chain.h"
#include "copy.h"
#include "kernels.h"
#include "points.h"
#include "reduce.h"
#include "windows.h"

/** Numbers after a store that may be read. */
enum { ROOM = 16, MOST_TURNS = 64 };

/** What is checked, and the turns that are around it. */
typedef struct Scope {
  const Room *room;
  int64_t turn, count;
  int depth;
  const struct Scope *around;
} Scope;

/** The places that an access may come to. */
typedef struct {
  int64_t low, high;
} Reach;

/** One more axis of an access. */
static Reach along(Reach reach, int64_t size, int64_t stride) {
  const int64_t end = (size - 1) * stride;
  if (end < 0) reach.low += end;
  else reach.high += end;
  return reach;
}

static int within_memory(const Scope *scope, Reach reach) { return reach.low >= 0 && reach.high < least(scope->room->numbers, RESULTS) - ROOM; }

/** Whether it stays within an array beside the memory, with so many numbers behind it: one that is only read, or a result. */
static int within_array(const Scope *scope, Reach reach, int given, int64_t behind) {
  const Room *room = scope->room;
  int64_t begin = RESULTS;
  for (int64_t i = 0; i < room->count && begin <= reach.low; i++) {
    const int64_t numbers = numbers_of(room->sizes[i]);
    if (reach.high < begin + numbers - behind) return given == (room->sizes[i] < 0);
    begin += pieces_of(numbers) << PIECE_BITS;
  }
  return 0;
}

/** Of what may be read as whole vectors where it is written: in the memory, or in a result that has not been written yet. */
static int within(const Scope *scope, Reach reach) { return within_memory(scope, reach) || within_array(scope, reach, 0, ROOM); }

/** Of what is written alone: behind a result there is no room. */
static int written_within(const Scope *scope, Reach reach) { return within_memory(scope, reach) || within_array(scope, reach, 0, 0); }

/** Of what is read. */
static int read_within(const Scope *scope, Reach reach) { return within(scope, reach) || within_array(scope, reach, 1, ROOM); }

/** An access along one axis of pieces that lie together. */
static Reach rows_of(int64_t at, int64_t rows, int64_t stride, int64_t size) { return along(along((Reach){at, at}, rows, stride), size, 1); }

/** What an access has to be within: one of the above. */
typedef int (*Within)(const Scope *, Reach);

static int rows_within(const Scope *scope, Within inside, int64_t at, int64_t rows, int64_t stride, int64_t size) {
  return rows > 0 && size > 0 && inside(scope, rows_of(at, rows, stride, size));
}

/** Tables lie in the memory. */
static int table_within(const Scope *scope, int64_t at, int64_t entries) { return entries > 0 && within_memory(scope, along((Reach){at, at}, entries, 1)); }

/** A product's access along its batch: `which` of the steps of each axis. */
static Reach along_batch(const int32_t *words, int which, int64_t at) {
  Reach reach = {at, at};
  for (int axis = 0; axis < words[22]; axis++) reach = along(reach, words[23 + 5 * axis], words[23 + 5 * axis + which]);
  return reach;
}

/** Whether it is read in an array beside the memory; what begins there is looked up nowhere else. */
static int within_one_array(const Scope *scope, Reach reach) { return within_array(scope, reach, 0, ROOM) || within_array(scope, reach, 1, ROOM); }

static int check_product(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 23 || words[22] < 0 || length < 23 + 5 * (int64_t)words[22]) return 0;
  const int32_t flags = words[2];
  const int64_t m = words[3], n = words[4], k = words[5], taps = words[20], segment = words[21];
  if (m < 1 || n < 1 || k < 0) return 0;
  for (int axis = 0; axis < words[22]; axis++)
    if (words[23 + 5 * axis] < 1) return 0;
  const Reach out = along(along(along_batch(words, 3, words[14]), m, words[15]), n, 1);
  // A row that ends within a vector is read as a whole one where a sum goes on.
  if (!(n % ROOM == 0 ? written_within : within)(scope, out)) return 0;
  if (flags & ADDED && !read_within(scope, along(along(along_batch(words, 4, words[16]), m, words[17]), n, words[18]))) return 0;
  // Without terms there are no factors, and no rows of a table by columns.
  if (k == 0) return !(flags & LOOKUP_ROWS) && (!(flags & LOOKUP_COLUMNS) || (taps > 0 && segment > 0 && m == taps * segment));
  const Reach left = along_batch(words, 1, words[8]);
  const Reach right = along(along(along_batch(words, 2, words[11]), k, words[12]), n, words[13]);
  if (!read_within(scope, right)) return 0;
  if (!(flags & (LOOKUP_ROWS | LOOKUP_COLUMNS))) return read_within(scope, along(along(left, m, words[9]), k, words[10]));
  const int64_t rows = flags & LOOKUP_ROWS ? m : k, terms = flags & LOOKUP_ROWS ? k : m, entries = rows * taps;
  if (taps < 1 || segment < 1 || terms != taps * segment || !table_within(scope, words[19], entries > 0 ? entries : 1)) return 0;
  const int32_t *table = (const int32_t *)scope->room->memory + words[19];
  for (int64_t i = 0; i < entries; i++)
    if (table[i] >= 0 && !within_memory(scope, along((Reach){left.low + table[i], left.high + table[i]}, segment, 1)) &&
        !within_one_array(scope, along((Reach){left.low, left.high + table[i]}, segment, 1)))
      return 0;
  return 1;
}

/** Reads words one after another, as far as there are any. */
typedef struct {
  const int32_t *next, *end;
  int wrong;
} Reader;

static int32_t take(Reader *reader) {
  if (reader->next < reader->end) return *reader->next++;
  reader->wrong = 1;
  return 0;
}

/** Whether a call of a chain reads a register. */
static int is_read(const int32_t *calls, int32_t count, int32_t number) {
  for (int32_t i = 0; i < count; i++)
    for (int operand = 1; operand < 4; operand++)
      if (calls[4 * i + operand] == number) return 1;
  return 0;
}

static int reads_within(const Scope *scope, Reader *reader, int64_t count, int rank, const int32_t *sizes) {
  for (int64_t i = 0; i < count && !reader->wrong; i++) {
    const int64_t at = take(reader);
    Reach reach = {at, at};
    for (int axis = 0; axis < rank; axis++) reach = along(reach, sizes[axis], take(reader));
    if (!read_within(scope, reach)) return 0;
  }
  return !reader->wrong;
}

/** @param calls those of the chain, which write registers behind the reads. What another write or call takes is read where it was written. */
static int writes_within(const Scope *scope, Reader *reader, int64_t count, int rank, const int32_t *sizes, int32_t reads, const int32_t *calls, int32_t called) {
  for (int64_t i = 0; i < count && !reader->wrong; i++) {
    const int64_t at = take(reader);
    Reach reach = {at, at};
    for (int axis = 0; axis < rank; axis++) reach = along(reach, sizes[axis], take(reader));
    const int32_t from = take(reader), how = take(reader);
    if (from < 0 || from >= reads + called || how < SET || how > MIN) return 0;
    if (!(count == 1 && how == SET && !is_read(calls, called, from) ? written_within : within)(scope, reach)) return 0;
  }
  return !reader->wrong;
}

static int check_chain(const Scope *scope, const int32_t *words, int64_t length) {
  Reader reader = {words + 2, words + length, 0};
  const int32_t rank = take(&reader), *sizes = reader.next;
  if (rank < 1 || rank > MOST_AXES) return 0;
  for (int axis = 0; axis < rank; axis++)
    if (take(&reader) < 1) return 0;
  const int32_t reads = take(&reader);
  if (reads < 0 || reads > length || !reads_within(scope, &reader, reads, rank, sizes)) return 0;
  const int32_t count = take(&reader);
  if (count < 0 || count > length) return 0;
  const int32_t *calls = reader.next;
  int32_t numbers = 0;
  const int64_t row = sizes[rank - 1], room = (reads + (int64_t)count) * ((row + 15) / 16 * 16);
  for (int32_t i = 0; i < count; i++) {
    const int32_t function = take(&reader);
    if (function < 0 || function > SUM_OF_ROW || (function == SUM_OF_ROW && (row > MOST_ROW || room > ROW_ROOM))) return 0;
    for (int operand = 0; operand < 3; operand++) {
      const int32_t from = take(&reader);
      if (from >= reads + i) return 0;
      if (from < 0 && -(from + 1) >= numbers) numbers = from == INT32_MIN ? INT32_MAX : -from;
    }
  }
  const int32_t writes = take(&reader);
  if (writes < 0 || !writes_within(scope, &reader, writes, rank, sizes, reads, calls, count)) return 0;
  const int32_t given = take(&reader);
  return !reader.wrong && given >= numbers && given == reader.end - reader.next;
}

/** A place of rows, or none. */
static int optional(const Scope *scope, Within inside, int64_t at, int64_t rows, int64_t stride, int64_t size) {
  return at < 0 || rows_within(scope, inside, at, rows, stride, size);
}

static int check_norm(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 18) return 0;
  const int64_t rows = words[2], size = words[3], gains = words[11];
  return gains > 0 && rows_within(scope, read_within, words[5], rows, words[6], size) && optional(scope, read_within, words[7], gains, words[8], size) &&
         optional(scope, read_within, words[9], gains, words[10], size) && rows_within(scope, within, words[12], rows, words[13], size) &&
         optional(scope, within, words[14], rows, words[15], 1) && optional(scope, within, words[16], rows, words[17], 1);
}

static int check_rowwise(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 9 || words[2] < 0 || words[2] > 2) return 0;
  const int64_t rows = words[3], size = words[4];
  return rows_within(scope, read_within, words[5], rows, words[6], size) && rows_within(scope, within, words[7], rows, words[8], words[2] == 2 ? 1 : size);
}

static int check_rows(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 15) return 0;
  const int64_t outer = words[2], count = words[3], inner = words[4], limit = words[5];
  if (outer < 1 || count < 1 || inner < 1 || limit < 0) return 0;
  const Reach from = along(along(along((Reach){words[6], words[6]}, outer, words[7]), limit > 0 ? limit : 1, words[8]), inner, 1);
  const Reach out = along(along(along((Reach){words[12], words[12]}, outer, words[13]), count, words[14]), inner, 1);
  const int found = words[11] < 0 ? rows_within(scope, read_within, words[9], count, words[10], 1) : table_within(scope, words[11], count);
  return found && read_within(scope, from) && written_within(scope, out);
}

static int check_scatter(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 15 || words[2] < SET || words[2] > MIN || words[3] < 0 || (words[10] < 0 && words[12] < 0)) return 0;
  const int64_t count = words[3], inner = words[4], limit = words[5];
  if (!optional(scope, read_within, words[6], limit, words[7], inner) || !rows_within(scope, written_within, words[13], limit, words[14], inner)) return 0;
  return count == 0 || (rows_within(scope, read_within, words[8], count, words[9], inner) && optional(scope, read_within, words[10], count, words[11], 1) &&
                        (words[12] < 0 || table_within(scope, words[12], count)));
}

static int check_move(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 8) return 0;
  int64_t turns = 1;
  if (words[7] >= 0) {
    const Scope *turning = scope;
    while (turning && turning->turn != words[7]) turning = turning->around;
    if (!turning) return 0;
    turns = turning->count;
  }
  return rows_within(scope, read_within, words[3], turns, words[4], words[2]) && rows_within(scope, written_within, words[5], turns, words[6], words[2]);
}

/** A place for each row and column of each example, with all channels. */
static Reach grid_of(const int32_t *words, int which, int64_t rows, int64_t columns) {
  const int32_t *w = words + which;
  return along(along(along(along((Reach){w[0], w[0]}, words[3], w[1]), rows, w[2]), columns, w[3]), words[4], 1);
}

static int check_windows(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < WINDOWS_WORDS) return 0;
  const int64_t what = words[2], channels = words[4], rows = words[5], columns = words[6], taps = words[TAPS_OF_WINDOWS];
  if (what < SUMS || what > BACK || taps < 0 || taps > MOST_TAPS || length < WINDOWS_WORDS + 3 * taps) return 0;
  if (words[3] < 1 || channels < 1 || rows < 1 || columns < 1 || words[7] < 1 || words[8] < 1 || words[9] < 1 || words[10] < 1) return 0;
  const Reach field = grid_of(words, 11, words[9], words[10]), out = grid_of(words, 15, rows, columns);
  const int writes_out = what == SUMS || what == MAXIMA;
  if (!(what == BACK ? within : read_within)(scope, field) || !(writes_out ? within : read_within)(scope, out)) return 0;
  if (what == BACK || (what == MAXIMA && words[23] >= 0))
    if (!(what == BACK ? read_within : within)(scope, grid_of(words, 23, rows, columns))) return 0;
  if (what > WEIGHTS) return 1;
  for (int64_t tap = 0; tap < taps; tap++) {
    const int64_t from = words[19];
    const Reach weights = along(along((Reach){from, from}, 2, words[WINDOWS_WORDS + 3 * tap + 2]), channels, 1);
    if (from < 0 || !(what == SUMS ? read_within : within)(scope, weights)) return 0;
  }
  return optional(scope, read_within, words[21], 1, 0, channels);
}

/** Along rows or columns that lie as {@link place_at} has them. */
static Reach along_places(Reach reach, int64_t size, int64_t apart, int64_t odd) {
  return odd ? along(along(reach, (size + 1) / 2, apart), size > 1 ? 2 : 1, odd) : along(reach, size, apart);
}

static int check_points(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < POINTS_WORDS || words[2] < TO_POINTS || words[2] > (TO_PLACES | ADDING)) return 0;
  const int64_t rows = words[5], columns = words[6], height = words[13], width = words[14], down = words[15], across = words[16];
  for (int which = 13; which < 17; which++)
    if (words[which] < 1 || words[which] > MOST_SIDE) return 0;
  if (words[3] < 1 || words[4] < 1 || rows < 1 || columns < 1) return 0;
  if (words[11] < 1 || words[12] < 1 || (!(words[2] & TO_PLACES) && words[21] != 1)) return 0;
  if ((words[29] && words[7] & 1) || (words[30] && words[8] & 1)) return 0;
  const Reach each = along((Reach){words[17], words[17]}, words[3], words[18]);
  const Reach field = along_places(along_places(each, words[11], words[19], words[29]), words[12], words[20], words[30]);
  const Reach values = along(along((Reach){words[22], words[22]}, down * across, words[23]), words[3], words[24]);
  const Reach places = along(field, words[4], words[21]), points = along(along(along(values, rows, words[25]), columns, words[26]), words[4], 1);
  const int right = words[2] & TO_PLACES ? (words[2] & ADDING ? within : written_within)(scope, places) && read_within(scope, points)
                                         : read_within(scope, places) && within(scope, points);
  return right && table_within(scope, words[27], height * down) && table_within(scope, words[28], width * across);
}

static int64_t check_words(const Scope *scope, const int32_t *words, int64_t count);

static int check_turns(const Scope *scope, const int32_t *words, int64_t length) {
  if (length < 5 || words[2] < 0 || words[4] != length - 5 || scope->depth == MOST_TURNS) return 0;
  if (words[2] == 0) return 1;
  const Scope inside = {scope->room, words[3], words[2], scope->depth + 1, scope};
  return within(scope, (Reach){words[3], words[3]}) && check_words(&inside, words + 5, words[4]) < 0;
}

/** @returns where the first instruction is that is not one, or would leave the memory; below zero where there is none */
static int64_t check_words(const Scope *scope, const int32_t *words, int64_t count) {
  static int (*const checks[])(const Scope *, const int32_t *, int64_t) = {
      check_product, check_chain, check_norm, check_rowwise, check_rows, check_move, check_turns, check_windows, check_points, check_scatter,
  };
  for (int64_t i = 0; i < count; i += words[i + 1])
    if (count - i < 2 || words[i] < 1 || words[i] > 10 || words[i + 1] < 2 || words[i + 1] > count - i ||
        !checks[words[i] - 1](scope, words + i, words[i + 1]))
      return i;
  return -1;
}

int64_t check_program(const int32_t *words, int64_t count, Room room) {
  const Scope scope = {&room, -1, 0, 0, 0};
  return check_words(&scope, words, count);
}
