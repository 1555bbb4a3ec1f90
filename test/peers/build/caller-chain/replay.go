package main

// replayStore remembers the last links that were accepted. The specification's section "Replay" says how long.
type replayStore struct {
	limit     int
	ends      map[[2]string]int64
	forgotten int64
}

func newReplayStore(limit int) *replayStore {
	return &replayStore{limit, map[[2]string]int64{}, -1}
}

func (s *replayStore) add(l link, leewayMs, nowMs int64) *refusal {
	for key, end := range s.ends {
		if end < nowMs/1000 {
			delete(s.ends, key)
			s.forgotten = max(s.forgotten, end)
		}
	}
	key := [2]string{l.iss, l.jti}
	if _, seen := s.ends[key]; seen {
		return refuse(13, "jti %s again", l.jti)
	}
	end := (l.exp*1000 + leewayMs + 999) / 1000
	if end <= s.forgotten {
		return refuse(14, "what ended at %d s is forgotten", s.forgotten)
	}
	if len(s.ends) >= s.limit {
		return refuse(15, "%d links are remembered", len(s.ends))
	}
	s.ends[key] = end
	return nil
}
