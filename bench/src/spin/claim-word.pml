/*
 * The claim word: a slot of a processor holds single frames of one word of an area and hands them out
 * by one compare-and-set on the claim word, while their frame word goes on saying HEAD.
 *
 * Mirrors, in dev.bifolio.kernel.frame: the pop, refill, leave and drain of the claim word and the
 * free of a single frame (SlotClaims, and HybridCore.freeSingle). One area, one frame
 * word of two frames (three with -DALL=7), one slot. "Another word" and "another area" are the claim word's state NONE
 * here: a free takes the same way in all three cases. An atomic block is one access to shared memory.
 *
 *   fw        frame word: bit set = FREE, clear = HEAD (allocated, or cached in the claim word)
 *   aw        area word
 *   cs,cm,co  claim word: state, mask, ops (an epoch)
 *
 * Processes: the keeper has the slot's try-lock and refills, leaves and drains as it likes; the popper
 * allocates and frees; two freers free the same frame, which was allocated once: one of them is wrong.
 *
 * Properties
 *   P1  no frame has two owners: a popped frame is not owned, and its frame word says HEAD;
 *   P2  a free that succeeds frees an owned frame, except between announce and open, where it is
 *       harmless (it adds a bit that the refill sets or drops anyway; P1 holds);
 *   P3  the holder's free is refused only if somebody else freed the frame in the meantime;
 *   P4  when all is quiet each frame is owned or FREE, and no area with a FREE frame is FULL.
 *
 * Assumption, without which P1 and P2 fail (the last mutant shows it): no free is delayed between its
 * load of the frame word and its compare-and-set over a refill of that same word. HEAD stands for
 * allocated and for cached, so a word that a refill has given its old value again lets a second free
 * of the same frame pass. The allocator finds most such frees afterwards and undoes them
 * (SlotClaims.isHonest, not in this model); HybridCore's comment names what is left.
 *
 * Long: -DROUNDS=3
 *
 * Mutants, each seen to fail: -DCLAIM_FIRST (frame word changed before the announce), -DLEAVE_AREA_FIRST
 * (area word before claim word), -DDRAIN_NONE_FIRST (claim word emptied before the frame word is
 * changed), -DSCAN_THEN_CLEAR (dirty flag cleared after the scan), -DNO_DIRTY (frees into a reserved
 * area leave no flag), -DNO_SECOND_LOOK (push without reading area and frame word again),
 * -DSAME_OPS (announcing and leaving do not count), -DOPEN_KEEPS_ALL (pushes are not filtered by the heads), -DSTRADDLE (the assumption does
 * not hold).
 */
#ifndef ALL
#define ALL 3 /* two frames; 7 is three */
#endif
#ifndef ROUNDS
#if defined(SCAN_THEN_CLEAR) || defined(NO_DIRTY) || defined(LEAVE_AREA_FIRST) || defined(NO_SECOND_LOOK) || defined(SAME_OPS) || defined(OPEN_KEEPS_ALL)
#define ROUNDS 3
#else
#define ROUNDS 2
#endif
#endif
#ifndef POPS
#define POPS 1
#endif
#define LOWEST(m) ((m) & ((ALL + 1) - (m)))

#define NONE 0
#define PENDING 1
#define OPEN 2
#define DRAINING 3

#define BINNED 0
#define RESERVED 1
#define DIRTY 2 /* reserved and dirty */
#define FULL 3

byte fw;
byte aw;
byte cs, cm, co;
byte running;

byte holder[8];  /* ghost, by the frame's bit: who owns it, 0 = nobody */
bool window;          /* ghost: between announce and open */
byte refills;         /* ghost: epoch of the assumption */

#ifdef STRADDLE
#define SAME_EPOCH true
#else
#define SAME_EPOCH (epoch == refills)
#endif
#ifdef SAME_OPS
#define EPOCH skip
#else
#define EPOCH co++
#endif
#define SAME_CLAIM (s == cs && m == cm && o == co)
#define READ_CLAIM s = cs; m = cm; o = co
#define IS_RESERVED(a) (a == RESERVED || a == DIRTY)

inline freed() {
  assert(holder[f] != 0 || window);
  holder[f] = 0
}

inline freeFrame() {
  skip;
again:
  atomic {
    v = fw;
    epoch = refills;
    if
    :: v & f -> goto refused
    :: else
    fi
  }
  atomic {
    a = aw;
    if
    :: !IS_RESERVED(a) -> goto home
    :: else
    fi
  }
  atomic {
    READ_CLAIM;
    if
    :: s != NONE && (m & f) -> goto refused
    :: s == NONE || (s == DRAINING && !(m & f)) -> s = 0; m = 0; o = 0; goto home
    :: else
    fi
  }
#ifndef NO_SECOND_LOOK
  atomic {
    if
    :: !IS_RESERVED(aw) -> goto again
    :: else
    fi
  }
  atomic {
    if
    :: fw != v -> goto again
    :: else
    fi
  }
#endif
  atomic {
    if
    :: SAME_CLAIM -> cm = cm | f; freed(); goto done
    :: else -> goto again
    fi
  }
home:
  atomic {
    if
    :: fw == v && SAME_EPOCH -> fw = fw | f; freed()
    :: else -> goto again
    fi
  }
  do
  :: atomic {
       a = aw;
       if
       :: a == NONE || a == BINNED || a == DIRTY -> goto done
       :: else
       fi
     }
     atomic {
       if
       :: aw == a && a == FULL -> aw = BINNED; goto done
#ifdef NO_DIRTY
       :: a == RESERVED -> goto done
#else
       :: aw == a && a == RESERVED -> aw = DIRTY; goto done
#endif
       :: else
       fi
     }
  od
}

proctype Freer(byte me) {
  byte f = 1, v, a, s, m, o, epoch;
  freeFrame();
refused:
  assert(holder[f] != me);
done:
  atomic { v = 0; a = 0; s = 0; m = 0; o = 0; epoch = 0; running-- }
}

proctype Popper(byte me) {
  byte f, v, a, s, m, o, epoch, tries;
next:
  atomic {
    v = 0; a = 0; epoch = 0; f = 0;
    if
    :: tries == POPS -> goto end
    :: else -> tries++
    fi;
    READ_CLAIM;
    if
    :: s == OPEN && m != 0
    :: !(s == OPEN && m != 0) -> goto next
    fi
  }
  atomic {
    if
    :: SAME_CLAIM ->
       f = LOWEST(m);
       assert(holder[f] == 0);
       assert(!(fw & f));
       holder[f] = me;
       co++;
       cm = cm & ~f;
       s = 0; m = 0; o = 0
    :: else -> goto next
    fi
  }
  freeFrame();
refused:
  assert(holder[f] != me);
done:
  goto next;
end:
  atomic { s = 0; m = 0; o = 0; tries = 0; running-- }
}

inline leaveArea() {
  do
  :: atomic { a = aw }
#ifndef SCAN_THEN_CLEAR
     if
     :: atomic { a == DIRTY -> aw = RESERVED }
     :: else
     fi;
#endif
     atomic { v = fw }
#ifdef SCAN_THEN_CLEAR
     if
     :: atomic { aw == DIRTY -> aw = RESERVED }
     :: else
     fi;
#endif
     atomic {
       if
       :: aw == RESERVED ->
          if
          :: v -> aw = BINNED
          :: else -> aw = FULL
          fi;
          v = 0; a = 0;
          break
       :: else
       fi
     }
  od
}

inline drain() {
  do
  :: atomic {
       READ_CLAIM;
       if
       :: s != OPEN -> break
       :: else
       fi
     }
     atomic {
       if
       :: SAME_CLAIM ->
#ifdef DRAIN_NONE_FIRST
          cs = NONE; cm = 0; EPOCH;
#else
          cs = DRAINING;
#endif
          break
       :: else
       fi
     }
  od;
  if
  :: s == OPEN ->
     atomic { v = fw }
     do
     :: atomic {
          if
          :: fw == v -> assert(!(fw & m)); fw = fw | m; break
          :: else -> v = fw
          fi
        }
     od;
#ifndef DRAIN_NONE_FIRST
     atomic { cs = NONE; cm = 0; EPOCH }
#endif
  :: else
  fi;
  atomic { s = 0; m = 0; o = 0; v = 0 }
}

inline takeFree() {
  /* t: the frames taken of v, all, the first, or all others */
  atomic { v = fw }
  do
  :: atomic {
       if
       :: t = v
       :: t = LOWEST(v)
       :: (v & ~LOWEST(v)) -> t = v & ~LOWEST(v)
       fi
     }
     atomic {
       if
       :: fw == v -> fw = v & ~t; v = fw; refills++; break
       :: else -> v = fw
       fi
     }
  od
}

inline refill() {
  atomic {
    READ_CLAIM;
    if
    :: s == NONE || (s == OPEN && m == 0)
    :: else -> goto refilled
    fi
  }
  atomic {
    if
    :: fw == 0 -> goto refilled
    :: else
    fi
  }
#ifdef CLAIM_FIRST
  takeFree();
  atomic { cs = OPEN; cm = t; co++ }
#else
  atomic {
    if
    :: SAME_CLAIM -> cs = PENDING; EPOCH; window = true
    :: else -> goto refilled
    fi
  }
  takeFree();
  atomic { m = cm }
  do
  :: atomic {
       assert(cs == PENDING);
       if
       :: cm == m ->
          cs = OPEN;
          window = false;
#ifdef OPEN_KEEPS_ALL
          cm = m | t;
#else
          cm = (m & ~v) | t;
#endif
          break
       :: else -> m = cm
       fi
     }
  od;
#endif
refilled:
  atomic { s = 0; m = 0; o = 0; v = 0; t = 0 }
}

inline leave() {
#ifdef LEAVE_AREA_FIRST
  atomic {
    READ_CLAIM;
    if
    :: s == OPEN && m == 0
    :: else -> goto left
    fi
  }
  leaveArea();
  atomic {
    if
    :: SAME_CLAIM -> cs = NONE; EPOCH
    :: else
    fi
  }
#else
  atomic {
    READ_CLAIM;
    if
    :: s == OPEN && m == 0
    :: else -> goto left
    fi
  }
  atomic {
    if
    :: SAME_CLAIM -> cs = NONE; EPOCH
    :: else -> goto left
    fi
  }
  leaveArea();
#endif
left:
  atomic { s = 0; m = 0; o = 0; v = 0; a = 0 }
}

proctype Keeper() {
  byte rounds, v, a, s, m, o, t;
  do
  :: atomic { rounds == ROUNDS -> break }
  :: atomic { rounds < ROUNDS -> rounds++ }
     if
     :: atomic { aw == BINNED -> aw = RESERVED; a = RESERVED }
     :: atomic { aw != BINNED -> a = aw }
     fi;
     if
     :: atomic { a == FULL -> a = 0 }
     :: atomic { a != FULL -> a = 0 }
        if
        :: refill()
        :: leave()
        :: drain();
           if
           :: leaveArea()
           :: skip
           fi
        fi
     fi
  od;
  running == 0;
  drain();
  if
  :: IS_RESERVED(aw) -> leaveArea()
  :: else
  fi;
  atomic {
    a = 1;
    do
    :: a > ALL -> break
    :: else -> assert((holder[a] == 0) == ((fw & a) != 0)); a = a << 1
    od;
    assert(!(fw != 0 && aw == FULL))
  }
}

init {
  atomic {
    fw = ALL & ~1;
    holder[1] = 1;
    aw = BINNED;
    running = 3;
    run Keeper();
    run Freer(1);
    run Freer(2);
    run Popper(3)
  }
}
